"""One's own account: name, appearance, password, second factor, open sessions."""

from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services, sessions
from accounts.forms import ProfileForm, ThemeForm


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    person = request.user
    initial = {"full_name": person.full_name, "theme": person.theme}
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        services.own_profile_edit(person=person, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("accounts:settings")
    context = {
        "form": form,
        "second_factor": is_mfa_enabled(person),
        "sessions": sessions.open_sessions(person=person, current_key=request.session.session_key),
    }
    return render(request, "accounts/settings.html", context)


@require_POST
@login_required
def theme(request: HttpRequest) -> HttpResponse:
    """The switch in the page's head: keeps the choice for every machine of this person."""
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return JsonResponse(
            {"code": "invalid", "message": "Choose auto, light or dark."}, status=400
        )
    person = request.user
    services.own_profile_edit(
        person=person, full_name=person.full_name, theme=form.cleaned_data["theme"]
    )
    return HttpResponse(status=204)


@require_POST
@login_required
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign out on one other device."""
    row = get_object_or_404(UserSession, pk=pk, user=request.user)
    if row.session_key == request.session.session_key:
        return redirect("account_logout")
    services.own_session_end(person=request.user, session=row)
    messages.success(request, "Signed out there.")
    return redirect("accounts:settings")


@require_POST
@login_required
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    services.own_sessions_end(person=request.user, but=request.session.session_key)
    messages.success(request, "Signed out everywhere else.")
    return redirect("accounts:settings")
