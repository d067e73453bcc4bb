"""The front door, health for machines, and the error pages."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_safe

from telemed import health


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Each role's first page."""
    from accounts.permissions import Action, allowed

    if not request.user.is_authenticated:
        return redirect("account_login")
    if allowed(request.user, Action.REVIEW):
        return redirect("review:worklist")
    if allowed(request.user, Action.LIST_CASES):
        return redirect("patients:cases")
    return redirect("accounts:people")


@require_GET
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_GET
def ready(request: HttpRequest) -> JsonResponse:
    """200 when this process can do the product's work; 503 names what is missing."""
    checks = health.checks()
    status = "ready" if health.is_ready(checks) else "not ready"
    body = {"status": status, "checks": checks}
    return JsonResponse(body, status=200 if status == "ready" else 503)


def _error(request: HttpRequest, status: int, title: str, message: str) -> HttpResponse:
    # Without the context processors: they ask who this is, and that may be what is broken.
    context = {"status": status, "title": title, "message": message, "request": request}
    return HttpResponse(render_to_string("error.html", context), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(
        request,
        400,
        "This request could not be read",
        "Nothing was changed. Go back and try again.",
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(
        request,
        403,
        "Your role does not include this",
        "Nothing was changed. If you need it for your work, ask your administrator.",
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(
        request,
        404,
        "There is nothing here for you",
        "It may not exist, or it may belong to an organisation that you have no access to.",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return _error(
        request,
        500,
        "Something went wrong on our side",
        "What was already saved is safe. Try again; if it happens again, tell your administrator the number below.",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _error(
        request,
        403,
        "This page was open for too long",
        "Nothing was changed. Load the page again and repeat the last step.",
    )
