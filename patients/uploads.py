"""Refusing a body that is too large while it arrives, instead of after it filled the disk."""

from pathlib import Path

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import (
    FileUploadHandler,
    StopUpload,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest

LARGEST_UPLOAD = 20 * 1024 * 1024  # bytes, the limit of patients.images
FORM_OVERHEAD = 64 * 1024  # bytes that a form may have around its file


class LimitedUploadHandler(FileUploadHandler):
    """Stops reading a file past the limit and marks the request; the view then says why."""

    limit = LARGEST_UPLOAD

    def __init__(self, request=None, *, limit: int = 0):
        super().__init__(request)
        self.limit = limit or self.limit
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.received > self.limit:
            if self.request is not None:
                self.request.upload_too_large = True  # type: ignore[attr-defined]
            raise StopUpload(connection_reset=False)
        return raw_data

    def new_file(self, *args, **kwargs) -> None:
        super().new_file(*args, **kwargs)
        self.received = 0

    def file_complete(self, file_size: int) -> None:
        return None


class BodyRefused(Exception):
    """What was sent, or is about to be, cannot be taken; the message is a sentence for people."""


def expect_archive(request: HttpRequest, *, limit: int, too_large: str) -> None:
    """Lets the body of this request be a form with one file of at most ``limit`` bytes. BodyRefused
    where the request says no length, or says that it is larger (``too_large``). To be called before
    anything reads the body."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal():
        raise BodyRefused("The request says no length.")
    if int(length[:20]) > limit + FORM_OVERHEAD:
        raise BodyRefused(too_large)
    request.upload_handlers = [
        LimitedUploadHandler(request, limit=limit),
        TemporaryFileUploadHandler(request),
    ]


def received_archive(request: HttpRequest, *, too_large: str, missing: str) -> Path:
    """The one file of the form, called ``file``. BodyRefused where it was larger than the limit, or
    there is none."""
    file = request.FILES.get("file")
    if getattr(request, "upload_too_large", False):
        raise BodyRefused(too_large)
    if not isinstance(file, TemporaryUploadedFile):
        raise BodyRefused(missing)
    return Path(file.temporary_file_path())
