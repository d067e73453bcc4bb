"""The classifier's interface for programs."""

import base64
from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotAuthenticated
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle

import audit.services as audit
from accounts.permissions import Action, get_visible_or_404, require
from classifier import quick_look
from classifier.gallery import Tile, case_gallery
from classifier.hiding import HIDDEN, answers_hidden
from classifier.inference import CellResult, explain
from classifier.inference.classes import CLASSES
from patients.api.answers import ApiView, answer
from patients.images import WARNINGS, ImageRefused
from patients.models import Case
from patients.uploads import FORM_OVERHEAD, LARGEST_UPLOAD

NOTICE = "Suggested by a model, not reviewed. Decision support, not a diagnosis."


class CellPages(PageNumberPagination):
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 500


class CaseCells(ApiView):
    """GET: the cells of a case in upload order, with what the model said about each."""

    def get(self, request: Request, public_id: UUID) -> Response:
        case = get_visible_or_404(request._request, Case, public_id=public_id)
        if answers_hidden(request.user, case):
            return answer(403, "answers_hidden", HIDDEN)
        pages = CellPages()
        tiles = pages.paginate_queryset(case_gallery(case).tiles, request, view=self)  # type: ignore[arg-type]
        audit.record(action="cells.read", actor=request.user, obj=case, case_id=case.public_id)
        response = pages.get_paginated_response([cell(tile) for tile in tiles or []])
        response.data["notice"] = NOTICE
        response.data["synthetic"] = case.synthetic
        return response


def cell(tile: Tile) -> dict[str, Any]:
    """One cell as JSON; what is not known yet is null."""
    row = tile.prediction
    done = row is not None and bool(row.label)
    return {
        "id": str(tile.cell.public_id) if tile.cell else None,
        "image": str(tile.image.public_id),
        "image_sha256": tile.image.sha256,
        "position": tile.image.position,
        "state": tile.state,
        "label": row.label if row and done else None,
        "confidence": row.confidence if row else None,
        "probabilities": (
            dict(zip(CLASSES, row.probabilities, strict=True)) if row and done else None
        ),
        "abstained": row.abstained if row and done else None,
        "reasons": _reasons(row.reasons) if row else [],
        "error": row.last_error if row else "",
        "model": (
            {
                "id": row.model_version.model_id,
                "sha256": row.model_sha256 or None,
                "precision": row.precision or None,
            }
            if row
            else None
        ),
        "milliseconds": row.milliseconds if row else None,
        "finished_at": row.finished_at if row else None,
    }


class QuickLookThrottle(UserRateThrottle):
    scope = "quick_look"
    rate = "30/min"


class QuickLook(ApiView):
    """POST one file: class, probabilities, map and reasons. Nothing is stored but the fact."""

    parser_classes = [MultiPartParser]

    def perform_authentication(self, request: Request) -> None:
        """Who, how often and how much, before the body is read: the CSRF check reads the form."""
        if not request._request.user.is_authenticated:
            raise NotAuthenticated
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_UPLOAD + FORM_OVERHEAD:
            raise ImageRefused("too_large")
        super().perform_authentication(request)

    def post(self, request: Request) -> Response:
        require(request.user, Action.QUICK_LOOK)
        throttle = QuickLookThrottle()
        if not throttle.allow_request(request, self):
            seconds = max(1, round(throttle.wait() or 60))
            return answer(
                429,
                "too_many",
                f"That was {throttle.num_requests} pictures within a minute. Nothing was stored; "
                f"try again in {seconds} s.",
                retry_after=seconds,
            )
        try:
            found = quick_look.look(_sent(request))
        except quick_look.ModelUnavailable as error:
            return answer(503, "model_unavailable", str(error), retry_after=30)
        result = found.result
        audit.record(
            action="quick_look",
            actor=request.user,
            image_sha256=found.picture.sha256,
            label=result.label,
            abstained=result.abstained,
            model=result.model_id,
        )
        return Response(_look(found, result))


def _sent(request: Request) -> bytes:
    """The one file's bytes; ImageRefused where there is none or it is too large."""
    file = request.FILES.get("file")
    if getattr(request._request, "upload_too_large", False):
        raise ImageRefused("too_large")
    if file is None:
        raise ImageRefused("empty")
    return file.read()


def _look(found: quick_look.Look, result: CellResult) -> dict[str, Any]:
    picture, box = found.picture, result.box
    return {
        "label": result.label,
        "confidence": result.confidence,
        "abstained": result.abstained,
        "probabilities": result.by_class,
        "in_distribution": result.in_distribution,
        "reasons": _reasons(result.reasons),
        "warnings": [{"code": code, "message": WARNINGS[code]} for code in picture.warnings],
        "map": base64.b64encode(result.cam).decode(),
        "box": [box.x, box.y, box.width, box.height],
        "size": [picture.width, picture.height],
        "preview": "data:image/jpeg;base64," + base64.b64encode(found.preview).decode(),
        "image_sha256": picture.sha256,
        "model": {
            "id": result.model_id,
            "sha256": result.model_sha256,
            "precision": result.precision,
        },
        "milliseconds": round(result.milliseconds, 1),
        "stored": False,
        "notice": NOTICE,
    }


def _reasons(codes: Any) -> list[dict[str, str]]:
    return [{"code": code, "message": explain(code)} for code in codes]
