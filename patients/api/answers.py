"""One shape for every answer that is not a success: ``{"code": word, "message": sentence}``."""

import errno
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import APIException, NotAuthenticated, ParseError, Throttled
from rest_framework.response import Response
from rest_framework.views import APIView

from patients.errors import DomainError, KeyReused
from patients.images import DecoderUnavailable, ImageRefused
from patients.storage import PictureDamaged, PictureMissing, StorageUnavailable
from telemed.database import went_away


class Refusal(Exception):
    """An answer, raised where it is found out."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def answer(status: int, code: str, message: str, *, retry_after: int | None = None) -> Response:
    response = Response({"code": code, "message": message}, status=status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


_BUSY = "The server is busy just now; nothing was lost, please try again in a moment."
_BROKEN = "The upload arrived damaged and nothing was kept; please send the file again."


def _disk_full(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _storage_full() -> Response:
    return answer(
        507,
        "storage_full",
        "There is no room left for pictures. Nothing was lost; tell your administrator and try "
        "again later.",
        retry_after=60,
    )


def _from_house(error: Exception) -> Response | None:
    if isinstance(error, Refusal):
        return answer(error.status, error.code, error.message)
    if isinstance(error, ImageRefused):
        return answer(422, error.code, error.message)
    if isinstance(error, DecoderUnavailable):
        return answer(503, "decoder_unavailable", error.message, retry_after=2)
    if isinstance(error, StorageUnavailable):
        if _disk_full(error.__cause__):
            return _storage_full()
        return answer(503, error.code, str(error), retry_after=5)
    if isinstance(error, PictureMissing | PictureDamaged):
        return answer(410, error.code, str(error))
    if isinstance(error, DomainError):
        return answer(422 if isinstance(error, KeyReused) else 409, error.code, str(error))
    return None


def _from_transport(error: Exception) -> Response | None:
    if isinstance(error, TooManyFilesSent):
        return answer(400, "one_file", "Send one file per request. Nothing was kept.")
    if isinstance(error, TooManyFieldsSent):
        return answer(400, "too_many_fields", "The form has too many fields. Nothing was kept.")
    if isinstance(error, RequestDataTooBig):
        return answer(413, "too_large", "The form is too large. Nothing was kept.")
    if isinstance(error, MultiPartParserError | SuspiciousOperation):
        return answer(400, "broken_upload", _BROKEN)
    if _disk_full(error):  # where the upload is spooled
        return _storage_full()
    if isinstance(error, UnreadablePostError):
        return answer(400, "cut_short", _BROKEN)
    if went_away(error):
        return answer(503, "busy", _BUSY, retry_after=2)
    return None


def _from_framework(error: Exception) -> Response | None:
    if isinstance(error, Http404):
        return answer(404, "not_found", "There is nothing here for you.")
    if isinstance(error, PermissionDenied):
        return answer(403, "forbidden", "Your role does not include this. Nothing was changed.")
    if isinstance(error, NotAuthenticated):
        return answer(403, "not_signed_in", "You are signed out. Sign in, then try again.")
    if isinstance(error, Throttled):
        wait = int(error.wait or 10) + 1
        return answer(
            429,
            "too_many",
            "Too many uploads at once. Nothing was lost; it goes on by itself in a moment.",
            retry_after=wait,
        )
    if isinstance(error, ParseError):
        return answer(400, "broken_upload", _BROKEN)
    if isinstance(error, APIException):
        code = error.get_codes()
        word = code if isinstance(code, str) else "invalid"
        return answer(error.status_code, word, _sentence(error.detail))
    return None


def _sentence(detail: Any) -> str:
    return str(detail) if isinstance(detail, str) else "The request could not be understood."


class ApiView(APIView):
    """Errors as sentences with a code, whatever raised them."""

    def handle_exception(self, exc: Exception) -> Response:
        response = _from_house(exc) or _from_transport(exc) or _from_framework(exc)
        if response is None:
            return super().handle_exception(exc)
        response.exception = True
        return response
