"""Organisations: list, add, edit, switch on and off, and who reads for whom."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services
from accounts.errors import PeopleError
from accounts.forms import GrantForm, OrganisationForm
from accounts.models import Organisation
from accounts.permissions import Action
from accounts.views import page_for

PER_PAGE = 50


@require_safe
@page_for(Action.MANAGE_PEOPLE)
def organisations(request: HttpRequest) -> HttpResponse:
    found = (
        Organisation.objects.annotate(
            people=Count("users", filter=Q(users__is_active=True), distinct=True)
        )
        .prefetch_related("grants_given__reading")
        .order_by("name")
    )
    text = request.GET.get("q", "")[:120].replace("\x00", "").strip()
    if text:
        found = found.filter(name__icontains=text)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/organisations.html", {"page_obj": page, "q": text})


@require_http_methods(["GET", "HEAD", "POST"])
@page_for(Action.MANAGE_PEOPLE)
def organisation_add(request: HttpRequest) -> HttpResponse:
    form = OrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            organisation = services.organisation_add(by=request.user, **form.cleaned_data)
        except PeopleError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, "Added. Now say who reads for it, and add its people.")
            return redirect("accounts:organisation", organisation.public_id)
    return render(request, "accounts/organisation_add.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@page_for(Action.MANAGE_PEOPLE)
def organisation(request: HttpRequest, public_id: UUID) -> HttpResponse:
    organisation = get_object_or_404(Organisation, public_id=public_id)
    form = OrganisationForm(request.POST or None, organisation=organisation)
    if request.method == "POST" and form.is_valid():
        try:
            services.organisation_edit(
                by=request.user, organisation=organisation, **form.cleaned_data
            )
        except PeopleError as error:
            form.add_error("name" if error.code == "name_taken" else None, str(error))
        else:
            messages.success(request, "Saved.")
            return redirect("accounts:organisation", organisation.public_id)
    context = {
        "form": form,
        "organisation": organisation,
        "grant_form": GrantForm(referring=organisation),
        "readers": organisation.grants_given.select_related("reading").order_by("reading__name"),
        "reads_for": organisation.grants_received.select_related("referring").order_by(
            "referring__name"
        ),
    }
    return render(request, "accounts/organisation.html", context)


@require_POST
@page_for(Action.MANAGE_PEOPLE)
def grant_give(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Let another organisation read the cases that this one submits."""
    organisation = get_object_or_404(Organisation, public_id=public_id)
    form = GrantForm(request.POST, referring=organisation)
    if form.is_valid():
        reading = form.cleaned_data["reading"]
        services.grant_give(by=request.user, referring=organisation, reading=reading)
        messages.success(request, f"{reading} now reads for {organisation}.")
    else:
        messages.error(request, "Nothing was changed. Choose an organisation from the list.")
    return redirect("accounts:organisation", organisation.public_id)


@require_POST
@page_for(Action.MANAGE_PEOPLE)
def grant_withdraw(request: HttpRequest, public_id: UUID, reading_id: UUID) -> HttpResponse:
    organisation = get_object_or_404(Organisation, public_id=public_id)
    reading = get_object_or_404(Organisation, public_id=reading_id)
    if services.grant_withdraw(by=request.user, referring=organisation, reading=reading):
        messages.success(request, f"{reading} no longer reads for {organisation}.")
    else:
        messages.info(request, "There was no such permission; nothing was changed.")
    return redirect("accounts:organisation", organisation.public_id)
