"""A zip file of pictures that arrives in a request: who sends it and how large it is, before the
body is read."""

from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.permissions import Action, require
from datasets.errors import SetRefused
from datasets.forms import AboutForm
from datasets.services import data_set_import
from patients.storage import StorageUnavailable
from patients.uploads import LimitedUploadHandler

FORM_OVERHEAD = 64 * 1024  # bytes that a form may have around its file
NO_FILE = "Choose the zip file with the pictures and send it again."


class DataSetUploadHandler(LimitedUploadHandler):
    """Stops where a data set's limit is."""

    @property
    def limit(self) -> int:  # type: ignore[override]
        return int(settings.DATASET_UPLOAD_LIMIT)


# Checking the CSRF token reads the body, and how much of it is read depends on who sends it. So
# that is looked at first; the token is checked by the inner view.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def upload(request: HttpRequest) -> HttpResponse:
    """Send labelled pictures as one zip file; a worker makes a data set of them."""
    require(request.user, Action.MANAGE_DATA_SETS)
    if request.method == "POST":
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length.isdecimal():
            return _form(request, AboutForm(), "The request says no length.")
        if int(length[:20]) > settings.DATASET_UPLOAD_LIMIT + FORM_OVERHEAD:
            return _form(request, AboutForm(), _too_large())
        request.upload_handlers = [
            DataSetUploadHandler(request),
            TemporaryFileUploadHandler(request),
        ]
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _form(request, AboutForm())
    form = AboutForm(request.POST)
    file = request.FILES.get("file")
    if getattr(request, "upload_too_large", False):
        return _form(request, form, _too_large())
    if not isinstance(file, TemporaryUploadedFile):
        return _form(request, form, NO_FILE)
    if not form.is_valid():
        return _form(request, form, "Nothing was kept yet: what needs a change is marked below.")
    try:
        made = data_set_import(
            actor=request.user, archive=Path(file.temporary_file_path()), **form.cleaned_data
        )
    except (SetRefused, StorageUnavailable) as error:
        return _form(request, form, str(error))
    return redirect("datasets:set", made.slug)


def _form(request: HttpRequest, form: AboutForm, refused: str = "") -> HttpResponse:
    context = {
        "form": form,
        "refused": refused,
        "limit": settings.DATASET_UPLOAD_LIMIT // 1024**2,
    }
    return render(request, "datasets/import.html", context, status=422 if refused else 200)


def _too_large() -> str:
    limit = settings.DATASET_UPLOAD_LIMIT // 1024**2
    return (
        f"The file is larger than {limit} MB. Larger sets come in with the command import_dataset."
    )
