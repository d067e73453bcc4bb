"""Puts the request's facts where ``audit.record`` finds them, and records denials."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from audit.context import RequestFacts, current
from audit.models import Outcome
from audit.services import record

GetResponse = Callable[[HttpRequest], HttpResponse]


def client_address(request: HttpRequest) -> str:
    """The client's address; X-Forwarded-For counts only behind the proxies that we run."""
    hops = settings.TRUSTED_PROXIES
    forwarded = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if hops and len(forwarded) >= hops and forwarded[-hops]:
        return forwarded[-hops][:45]
    return request.META.get("REMOTE_ADDR", "")[:45]


class AuditMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = current.set(
            RequestFacts(client_address(request), getattr(request, "request_id", ""))
        )
        try:
            response = self.get_response(request)
            if response.status_code == 403:
                self.record_denial(request)
            return response
        finally:
            current.reset(token)

    def record_denial(self, request: HttpRequest) -> None:
        match = request.resolver_match
        record(
            action="access.denied",
            actor=request.user,
            outcome=Outcome.DENIED,
            method=request.method,
            view=match.view_name if match else "",
        )
