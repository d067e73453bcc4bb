"""A model that arrives in a request: who sends it and how large it is, before the body is read."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest

from accounts.permissions import Action, require
from classifier.inference.errors import ModelError
from classifier.registry import Taken, model_upload
from classifier.registry.uploads import TOO_LARGE
from patients.uploads import LimitedUploadHandler

FORM_OVERHEAD = 64 * 1024  # bytes that a form may have around its file
NO_FILE = "The form holds no file. Choose the model's zip file and send it again."


class ModelUploadHandler(LimitedUploadHandler):
    """Stops where a model's limit is."""

    @property
    def limit(self) -> int:  # type: ignore[override]
        return int(settings.MODEL_UPLOAD_LIMIT)


def too_large() -> str:
    return TOO_LARGE.format(limit=settings.MODEL_UPLOAD_LIMIT // 1024**2)


def expect_model(request: HttpRequest) -> None:
    """Lets the body of this request be as large as a model. PermissionDenied, or ModelError where
    the request says that it is larger still. To be called before anything reads the body."""
    require(request.user, Action.MANAGE_MODELS)
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal() or int(length[:20]) > settings.MODEL_UPLOAD_LIMIT + FORM_OVERHEAD:
        raise ModelError(too_large() if length.isdecimal() else "The request says no length.")
    request.upload_handlers = [ModelUploadHandler(request), TemporaryFileUploadHandler(request)]


def receive_model(request: HttpRequest, *, actor: Any) -> Taken:
    """Take in the one file of the form, called ``file``. ModelError, StorageUnavailable."""
    file = request.FILES.get("file")
    if getattr(request, "upload_too_large", False):
        raise ModelError(too_large())
    if not isinstance(file, TemporaryUploadedFile):
        raise ModelError(NO_FILE)
    return model_upload(archive=Path(file.temporary_file_path()), actor=actor)
