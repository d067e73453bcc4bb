"""Pages of the classifier: the live cells of a case, retry, quick look."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Action, get_visible_or_404, require
from classifier import progress
from classifier.models import Prediction
from classifier.services import prediction_retry
from classifier.templatetags.classifier_tags import cells_context
from patients.errors import DomainError
from patients.models import Case


@require_safe
@login_required
def cells(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The live part of the case page. 204 where nothing changed since the asker's stamp.

    When the last cell is read the answer carries the event ``cells:finished`` for the rest of the
    page.
    """
    case = get_visible_or_404(request, Case, public_id=public_id)
    if request.headers.get("HX-Request") != "true":
        return redirect(case)
    since = request.GET.get("since", "")
    if since and since == progress.stamp(case):
        return HttpResponse(status=204)
    return _cells(request, case, was_open=bool(since))


@require_POST
@login_required
def retry(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Read once more a cell that was set aside."""
    prediction = get_visible_or_404(
        request, Prediction.objects.select_related("cell__image__case"), public_id=public_id
    )
    case = prediction.cell.image.case
    require(request.user, Action.RETRY_CELL, case)
    refused = ""
    try:
        prediction_retry(prediction=prediction, actor=request.user)
    except DomainError as error:
        refused = str(error)
    if request.headers.get("HX-Request") == "true":
        case.refresh_from_db()
        return _cells(request, case, notice=refused)
    if refused:
        messages.warning(request, refused)
    return redirect(case)


@require_safe
@login_required
def quick_look(request: HttpRequest) -> HttpResponse:
    """The page with a drop zone; the work is done by static/js/quick-look.js and the interface."""
    require(request.user, Action.QUICK_LOOK)
    return render(request, "classifier/quick_look.html")


def _cells(
    request: HttpRequest, case: Case, *, was_open: bool = False, notice: str = ""
) -> HttpResponse:
    context = cells_context(request, case, notice=notice)
    response = render(request, "classifier/_cells.html", context)
    if was_open and "gallery" in context and not context["gallery"].open:
        response.headers["HX-Trigger"] = "cells:finished"
    return response
