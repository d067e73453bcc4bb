"""A stored picture as an answer: redirected to the store, handed to the proxy, or streamed."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.http import content_disposition_header

from patients import storage
from patients.errors import DomainError

SIGNED_SECONDS = 60
_SANDBOX = "default-src 'none'; sandbox"


def stored_picture(
    key: str, sha256: str, *, kind: str, name: str, unusable: Callable[[DomainError], str]
) -> HttpResponse:
    """S3: redirect to an address that works for a minute. A proxy that serves our files: hand over.
    Else the bytes, proven to be what was written.

    ``kind`` is the media type, ``name`` what a browser saves it as. ``unusable`` is told of a
    picture that is gone or damaged, and returns by which number an administrator finds it.
    """
    response: HttpResponse
    try:
        if url := storage.signed_url(key, expires=SIGNED_SECONDS, content_type=kind, filename=name):
            response = HttpResponseRedirect(url)
        elif settings.ACCEL_REDIRECT_PREFIX:
            response = HttpResponse(content_type=kind)
            prefix = settings.ACCEL_REDIRECT_PREFIX.rstrip("/")
            response.headers["X-Accel-Redirect"] = f"{prefix}/{key}"
        else:
            data = storage.read_verified(key, sha256=sha256)
            response = HttpResponse(data, content_type=kind)
    except storage.StorageUnavailable as error:
        response = HttpResponse(str(error), content_type="text/plain; charset=utf-8", status=503)
        response.headers["Retry-After"] = "5"
    except (storage.PictureMissing, storage.PictureDamaged) as error:
        response = HttpResponse(
            f"{error} Your administrator can find it by the number {unusable(error)}.",
            content_type="text/plain; charset=utf-8",
            status=410,
        )
    else:
        response.headers["Content-Disposition"] = content_disposition_header(False, name) or ""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = _SANDBOX
    response.headers["Cache-Control"] = "private, no-store"
    return response
