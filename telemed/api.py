"""How the interface for programs answers errors: one shape, no traceback."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from patients.errors import DomainError, KeyReused


def problem(*, status: int, code: str, message: str, **more: Any) -> Response:
    """``{"code": machine word, "message": sentence}`` and whatever helps to mend it."""
    return Response({"code": code, "message": message, **more}, status=status)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Domain errors become 409 (422 for a reused key); DRF's own keep their status."""
    if isinstance(exc, DomainError):
        status = 422 if isinstance(exc, KeyReused) else 409
        return problem(status=status, code=exc.code, message=str(exc))
    return drf_exception_handler(exc, context)
