"""People: list, add, edit, invite again, take away a lost second factor."""

from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services
from accounts.errors import PeopleError
from accounts.forms import PeopleFilter, PersonForm
from accounts.models import User
from accounts.permissions import Action
from accounts.views import page_for

PER_PAGE = 50


@require_safe
@page_for(Action.MANAGE_PEOPLE)
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, by name, narrowed by words, organisation and role."""
    form = PeopleFilter(request.GET)
    found = User.objects.select_related("organisation").order_by("full_name", "pk")
    if form.is_valid():
        wanted = form.cleaned_data
        for word in wanted["q"].split()[:6]:
            found = found.filter(Q(full_name__icontains=word) | Q(email__icontains=word))
        if wanted["organisation"]:
            found = found.filter(organisation=wanted["organisation"])
        if wanted["role"]:
            found = found.filter(role=wanted["role"])
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page_obj": page,
        "narrowed": any(form.data.get(n) for n in form.fields),
    }
    return render(request, "accounts/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page_for(Action.MANAGE_PEOPLE)
def person_add(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            person = services.person_add(by=request.user, **form.cleaned_data)
        except PeopleError as error:
            form.add_error("email", str(error))
        else:
            _invite(request, person)
            return redirect("accounts:person", person.public_id)
    return render(request, "accounts/person_add.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@page_for(Action.MANAGE_PEOPLE)
def person(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One person: what they may do, whether they were invited, their second factor."""
    person = get_object_or_404(User.objects.select_related("organisation"), public_id=public_id)
    form = PersonForm(request.POST or None, person=person)
    if request.method == "POST" and form.is_valid():
        try:
            services.person_edit(by=request.user, person=person, **form.cleaned_data)
        except PeopleError as error:
            form.add_error("email" if error.code == "address_taken" else None, str(error))
        else:
            messages.success(request, "Saved.")
            return redirect("accounts:person", person.public_id)
    context = {"form": form, "person": person, "second_factor": is_mfa_enabled(person)}
    return render(request, "accounts/person.html", context)


@require_POST
@page_for(Action.MANAGE_PEOPLE)
def person_invite(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Send the link for the first password again (or, for a known person, for a new one)."""
    person = get_object_or_404(User.objects.select_related("organisation"), public_id=public_id)
    if person.is_active and person.organisation.is_active:
        _invite(request, person)
    else:
        messages.error(request, "No mail was sent: this person may not sign in at present.")
    return redirect("accounts:person", person.public_id)


@require_POST
@page_for(Action.MANAGE_PEOPLE)
def person_second_factor_reset(request: HttpRequest, public_id: UUID) -> HttpResponse:
    person = get_object_or_404(User, public_id=public_id)
    if services.second_factor_reset(by=request.user, person=person):
        messages.success(
            request,
            "The second factor is off. They sign in with the password and can set it up anew.",
        )
    else:
        messages.info(request, "There was no second factor to take away.")
    return redirect("accounts:person", person.public_id)


def _invite(request: HttpRequest, person: User) -> None:
    base_url = request.build_absolute_uri("/")
    if not services.invitation_send(by=request.user, person=person, base_url=base_url):
        messages.error(
            request,
            "The account is saved, but the mail server did not take the invitation. "
            "Send it again from this page.",
        )
    elif settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        messages.warning(
            request,
            f"No mail server is set up: the invitation to {person.email} was written to the "
            "folder “mail” in the data directory.",
        )
    else:
        messages.success(request, f"An invitation was sent to {person.email}.")
