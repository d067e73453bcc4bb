"""What others ask of the classifier: take pictures in, stop, try once more."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

import audit.services as audit
from classifier.attempts import lock_cases, settle_cases
from classifier.choices import PredictionState
from classifier.dispatch import publish_on_commit
from classifier.models import Prediction
from classifier.queueing import cancel_open, queue_images
from classifier.registry import ensure_shipped_model, model_activate, model_register
from patients.choices import CaseStatus
from patients.errors import MoveRefused
from patients.models import Case, SmearImage

__all__ = [
    "CaseReading",
    "ensure_shipped_model",
    "model_activate",
    "model_register",
    "prediction_retry",
]


class CaseReading:
    """The classifier's side of ``patients.ports.Reading``. Callers hold the case's lock."""

    def images_received(self, *, case: Case, images: Iterable[SmearImage]) -> None:
        queue_images(images)

    def image_removed(self, *, image: SmearImage) -> None:
        cancel_open(Prediction.jobs.filter(cell__image=image), reason="The picture was removed.")
        settle_cases(lock_cases([image.case_id]))

    def case_withdrawn(self, *, case: Case) -> None:
        cancel_open(
            Prediction.jobs.filter(cell__image__case=case), reason="The case was withdrawn."
        )


@transaction.atomic
def prediction_retry(*, prediction: Prediction, actor: Any) -> Prediction:
    """Read a cell once more that was set aside. MoveRefused unless it is QUARANTINED.

    A case that is READY goes back to CLASSIFYING; one that a specialist has open stays open.
    """
    from patients.services import case_move

    (case,) = lock_cases(
        Case.objects.filter(images__cells__predictions=prediction.pk).values_list("pk", flat=True)
    )
    row = (
        Prediction.objects.select_for_update(of=("self",))
        .select_related("cell__image")
        .get(pk=prediction.pk)
    )
    if row.state != PredictionState.QUARANTINED:
        raise MoveRefused("Only a cell that was not analysed can be tried again.")
    if row.cell.image.removed_at or case.status == CaseStatus.WITHDRAWN:
        raise MoveRefused("The picture or its case was withdrawn, so it is not read again.")
    row.state = PredictionState.QUEUED
    row.attempt = 0
    row.last_error = ""
    row.published_at = None
    row.save(update_fields=["state", "attempt", "last_error", "published_at"])
    if case.status == CaseStatus.READY:
        case_move(case=case, to=CaseStatus.CLASSIFYING, actor=actor)
    audit.record(action="cell.retried", actor=actor, obj=row, case_id=case.public_id)
    publish_on_commit([row.pk])
    return row
