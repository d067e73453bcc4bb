"""A zip file of pictures that arrives in a request: who sends it and how large it is, before the
body is read."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.permissions import Action, require
from datasets.errors import SetRefused
from datasets.forms import AboutForm
from datasets.services import data_set_import
from patients.storage import StorageUnavailable
from patients.uploads import BodyRefused, expect_archive, received_archive

NO_FILE = "Choose the zip file with the pictures and send it again."


# Checking the CSRF token reads the body, and how much of it is read depends on who sends it. So
# that is looked at first; the token is checked by the inner view.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def upload(request: HttpRequest) -> HttpResponse:
    """Send labelled pictures as one zip file; a worker makes a data set of them."""
    require(request.user, Action.MANAGE_DATA_SETS)
    if request.method == "POST":
        try:
            expect_archive(request, limit=settings.DATASET_UPLOAD_LIMIT, too_large=_too_large())
        except BodyRefused as error:
            return _form(request, AboutForm(), str(error))
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _form(request, AboutForm())
    form = AboutForm(request.POST)
    try:
        archive = received_archive(request, too_large=_too_large(), missing=NO_FILE)
    except BodyRefused as error:
        return _form(request, form, str(error))
    if not form.is_valid():
        return _form(request, form, "Nothing was kept yet: what needs a change is marked below.")
    try:
        made = data_set_import(actor=request.user, archive=archive, **form.cleaned_data)
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
