"""Pages of patients, cases and pictures."""

from typing import Any

from django.http import HttpRequest


def wants_partial(request: HttpRequest) -> bool:
    """htmx asks for a part of the page (but for the whole when it restores its history)."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


Context = dict[str, Any]
