"""Pictures: the one view that serves them, taking one out, blanking an area."""

import logging
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Action, get_visible_or_404, require
from audit.models import Outcome
from audit.services import record
from patients.errors import DomainError
from patients.forms import BoxForm
from patients.images import DecoderUnavailable, ImageRefused
from patients.models import SmearImage
from patients.services import image_blank, image_remove
from patients.serving import stored_picture
from patients.text import header_name

log = logging.getLogger(__name__)


def _find(request: HttpRequest, image_id: UUID) -> SmearImage:
    """A picture that is still in a case that this person may open."""
    present = SmearImage.objects.present().select_related("case__patient")
    return get_visible_or_404(request, present, public_id=image_id)


@login_required
@require_safe
def picture(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """The normalised picture, whole. Recorded."""
    image = _find(request, image_id)
    name = f"{image.case.number}-{image.position}-{header_name(image.original_name)}.png"
    response = _serve(request, image, image.picture_key, image.sha256, "image/png", name)
    if response.status_code < 400:
        record(action="image.viewed", actor=request.user, obj=image, case_id=image.case.public_id)
    return response


@login_required
@require_safe
def thumbnail(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """A small picture for lists. Not recorded: the page that shows it is."""
    image = _find(request, image_id)
    name = f"{image.case.number}-{image.position}.jpg"
    return _serve(request, image, image.thumbnail_key, image.thumbnail_sha256, "image/jpeg", name)


def _serve(
    request: HttpRequest, image: SmearImage, key: str, sha256: str, kind: str, name: str
) -> HttpResponse:
    return stored_picture(
        key, sha256, kind=kind, name=name, unusable=lambda error: _report(request, image, error)
    )


def _report(request: HttpRequest, image: SmearImage, error: DomainError) -> str:
    log.error("picture %s: %s", image.public_id, error.code)
    record(
        action="image.unusable",
        actor=request.user,
        outcome=Outcome.FAILED,
        obj=image,
        case_id=image.case.public_id,
        code=error.code,
    )
    return str(image.public_id)


@login_required
@require_POST
def remove(request: HttpRequest, image_id: UUID) -> HttpResponse:
    image = _find(request, image_id)
    require(request.user, Action.REMOVE_IMAGE, image.case)
    try:
        image_remove(actor=request.user, image=image)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Picture {image.position} was removed from the case.")
    return redirect(image.case)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def blank(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Draw a rectangle, or type it; the area is painted white for good."""
    image = _find(request, image_id)
    require(request.user, Action.REMOVE_IMAGE, image.case)
    form, status = BoxForm(), 200
    if request.method == "POST":
        form, status = BoxForm(request.POST), 422
        if form.is_valid():
            try:
                new = image_blank(actor=request.user, image=image, box=form.box())
            except ImageRefused as refusal:
                form.add_error(None, refusal.message)
            except DecoderUnavailable as trouble:
                form.add_error(None, trouble.message)
                status = 503
            except DomainError as error:
                form.add_error(None, str(error))
                status = 409
            else:
                messages.success(request, f"The area was blanked in picture {new.position}.")
                return redirect(image.case)
    else:
        record(action="image.viewed", actor=request.user, obj=image, case_id=image.case.public_id)
    context = {"image": image, "case": image.case, "form": form}
    return render(request, "patients/image_blank.html", context, status=status)
