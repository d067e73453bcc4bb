"""Receiving pictures, one file a request, and listing them."""

import re
import time
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.urls import reverse
from rest_framework.exceptions import NotAuthenticated, Throttled
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Action, get_visible_or_404, require
from audit.services import record
from patients.api.answers import ApiView, Refusal
from patients.images import WARNINGS
from patients.models import Case, SmearImage
from patients.services import image_receive
from patients.uploads import FORM_OVERHEAD, LARGEST_UPLOAD

UPLOADS_PER_MINUTE = 600  # of one person: three batches of 200
_KEY = re.compile(r"[A-Za-z0-9._:-]{8,64}")
_TOO_LARGE = (
    "The file is larger than 20 MB; please export it as JPEG or as the field of view alone."
)


def image_facts(image: SmearImage) -> dict[str, Any]:
    """What a program learns of a picture."""
    return {
        "id": str(image.public_id),
        "position": image.position,
        "name": image.original_name,
        "width": image.width,
        "height": image.height,
        "sha256": image.sha256,
        "warnings": [
            {"code": code, "message": WARNINGS[code]} for code in image.warnings if code in WARNINGS
        ],
        "thumbnail": reverse("patients:thumbnail", args=[image.public_id]),
        "picture": reverse("patients:picture", args=[image.public_id]),
    }


class CaseImages(ApiView):
    """``/api/v1/cases/<id>/images``: GET lists, POST receives one file.

    POST: multipart/form-data with ``file``, optionally ``name``, ``size`` (bytes, to notice a cut)
    and ``order`` (place in the case, from 1); header ``Idempotency-Key``, new for every file and the
    same for its retries. 201 stored, 200 here already; else ``{"code", "message"}``.
    """

    parser_classes = [MultiPartParser]

    def perform_authentication(self, request: Request) -> None:
        """Who and how, before the body is read: checking the CSRF token reads the form."""
        if not request._request.user.is_authenticated:
            raise NotAuthenticated
        if request.method == "POST":
            _check_headers(request._request)
            _check_rate(request._request.user.pk)
        super().perform_authentication(request)

    def get(self, request: Request, case_id: UUID) -> Response:
        case = get_visible_or_404(request, Case, public_id=case_id)
        images = SmearImage.objects.filter(case=case).present()
        record(action="case.viewed", actor=request.user, obj=case, case_id=case.public_id)
        found = [image_facts(image) for image in images]
        return Response({"count": len(found), "images": found})

    def post(self, request: Request, case_id: UUID) -> Response:
        case = get_visible_or_404(request, Case, public_id=case_id)
        require(request.user, Action.ADD_IMAGES, case)
        key = request.headers.get("Idempotency-Key", "")
        if not _KEY.fullmatch(key):
            raise Refusal(
                400,
                "key_missing",
                "The header Idempotency-Key must hold 8 to 64 letters, digits, dots or dashes.",
            )
        file = _the_file(request)
        received = image_receive(
            actor=request.user,
            case=case,
            name=str(request.data.get("name") or file.name or ""),
            data=file.read(),
            upload_key=key,
            order=_order(request.data.get("order")),
        )
        image = received.image
        message = (
            f"Received as picture {image.position}."
            if received.new
            else f"Already in this case as picture {image.position}."
        )
        if image.removed_at is not None:
            message = "This upload was received before, and the picture was removed since."
        facts = image_facts(image) | {"new": received.new, "message": message}
        return Response(facts, status=201 if received.new else 200)


def _check_headers(request: HttpRequest) -> None:
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Refusal(415, "content_encoding", "Send the file as it is, not compressed.")
    if request.content_type != "multipart/form-data":
        raise Refusal(415, "content_type", "Send the file as multipart/form-data.")
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length:
        raise Refusal(411, "length_required", "The request must say how long it is.")
    if not (length.isascii() and length.isdecimal()):
        raise Refusal(400, "broken_upload", "The length of the request is not a number.")
    if int(length[:20]) > LARGEST_UPLOAD + FORM_OVERHEAD:
        raise Refusal(413, "too_large", _TOO_LARGE)


def _check_rate(user_id: int) -> None:
    """A minute's window in the cache. Two requests at once may count as one: good enough here."""
    now = int(time.time())
    name = f"uploads:{user_id}:{now // 60}"
    if cache.add(name, 1, timeout=120):
        return
    try:
        count = cache.incr(name)
    except ValueError:  # the window ended between the two calls
        return
    if count > UPLOADS_PER_MINUTE:
        raise Throttled(wait=60 - now % 60)


def _the_file(request: Request) -> UploadedFile:
    """The one file of the form, whole."""
    form = request.data  # reads the body, if checking the CSRF token has not
    if getattr(request._request, "upload_too_large", False):
        raise Refusal(413, "too_large", _TOO_LARGE)
    file = request.FILES.get("file")
    size = str(form.get("size") or "")
    if size and size != (str(file.size) if file else ""):  # a part without its end is no file
        raise Refusal(
            400,
            "cut_short",
            "The file did not arrive whole and was not kept; please send it again.",
        )
    if file is None:
        raise Refusal(400, "no_file", "The form holds no file. Choose one and send it again.")
    return file


def _order(text: Any) -> int | None:
    text = str(text or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None
