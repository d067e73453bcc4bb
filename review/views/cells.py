"""One cell and its like, for the desk."""

from typing import Any
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Action, get_visible_or_404, require
from classifier.gallery import latest_predictions
from classifier.models import Cell
from patients.api.answers import ApiView, answer
from patients.errors import DomainError
from review.blinding import model_hidden
from review.choices import LETTERS, Label
from review.lookalikes import in_question, look_alikes, references
from review.models import ReferenceCell
from review.services.references import reference_drop, reference_keep


def find_cell(request: Request, public_id: UUID) -> Cell:
    related = Cell.objects.select_related("image__case").filter(image__removed_at__isnull=True)
    return get_visible_or_404(request._request, related, public_id=public_id)


class CellLike(ApiView):
    """GET: the nearest signed cells, and reference cells of the classes between which it lies.

    ``?label=`` is what the cell is called now. 403 where the model's answers are hidden: what is
    near says what the model thinks.
    """

    def get(self, request: Request, public_id: UUID) -> Response:
        cell = find_cell(request, public_id)
        require(request.user, Action.REVIEW)
        if model_hidden(request.user, cell.image.case):
            return answer(403, "answers_hidden", "Shown when the reading is committed.")
        label = request.query_params.get("label", "")
        label = label if label in Label.values else Label.UNIDENTIFIED
        classes = in_question(latest_predictions(cell.image.case).get(cell.pk), label)
        kept = ReferenceCell.objects.filter(organisation=request.user.organisation_id, cell=cell)
        return Response(
            {
                "alike": [
                    {**_shown(each.cell, each.label), "distance": round(each.distance, 1)}
                    for each in look_alikes(request.user, cell)
                ],
                "references": [
                    {**_shown(each.cell, each.label), "note": each.note}
                    for each in references(request.user, classes)
                    if each.cell_id != cell.pk
                ],
                "reference": kept.values_list("label", flat=True).first() or "",
            }
        )


class CellReference(ApiView):
    """PUT ``{"label", "note"}``: keep the cell as a reference of its class. DELETE: no longer."""

    def put(self, request: Request, public_id: UUID) -> Response:
        cell = find_cell(request, public_id)
        require(request.user, Action.REVIEW)
        body = request.data if isinstance(request.data, dict) else {}
        try:
            kept = reference_keep(
                actor=request.user,
                cell=cell,
                label=str(body.get("label", "")),
                note=str(body.get("note", "")),
            )
        except DomainError as error:
            return answer(422, error.code, str(error))
        return Response({"reference": kept.label})

    def delete(self, request: Request, public_id: UUID) -> Response:
        cell = find_cell(request, public_id)
        require(request.user, Action.REVIEW)
        reference_drop(actor=request.user, cell=cell)
        return Response({"reference": ""})


def _shown(cell: Cell, label: str) -> dict[str, Any]:
    return {
        "thumbnail": reverse("patients:thumbnail", args=[cell.image.public_id]),
        "label": label,
        "name": str(Label(label).label),
        "letter": LETTERS[label],
    }
