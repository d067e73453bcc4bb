"""A model that arrives in a request: who sends it and how large it is, before the body is read."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.permissions import Action, require
from classifier.inference.errors import ModelError
from classifier.registry import Taken, model_upload
from classifier.registry.uploads import TOO_LARGE
from patients.uploads import BodyRefused, expect_archive, received_archive

NO_FILE = "The form holds no file. Choose the model's zip file and send it again."


def expect_model(request: HttpRequest) -> None:
    """Lets the body of this request be as large as a model. PermissionDenied, or ModelError where
    the request says that it is larger still. To be called before anything reads the body."""
    require(request.user, Action.MANAGE_MODELS)
    try:
        expect_archive(request, limit=settings.MODEL_UPLOAD_LIMIT, too_large=_too_large())
    except BodyRefused as error:
        raise ModelError(str(error)) from error


def receive_model(request: HttpRequest, *, actor: Any) -> Taken:
    """Take in the one file of the form, called ``file``. ModelError, StorageUnavailable."""
    try:
        archive = received_archive(request, too_large=_too_large(), missing=NO_FILE)
    except BodyRefused as error:
        raise ModelError(str(error)) from error
    return model_upload(archive=archive, actor=actor)


def _too_large() -> str:
    return TOO_LARGE.format(limit=settings.MODEL_UPLOAD_LIMIT // 1024**2)
