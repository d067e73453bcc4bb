"""Recording work: one job for each cell and the active model, then the doorbell."""

from collections.abc import Iterable, Sequence

from django.db import transaction

from classifier.choices import OPEN_STATES, ModelState, PredictionState
from classifier.dispatch import publish_on_commit
from classifier.models import Cell, ModelVersion, Prediction
from classifier.querysets import PredictionQuerySet
from patients.models import SmearImage


def active_version() -> ModelVersion | None:
    return ModelVersion.objects.filter(state=ModelState.ACTIVE).first()


@transaction.atomic
def queue_images(images: Iterable[SmearImage]) -> list[int]:
    """One cell (the whole picture) and one job for each picture, once however often it is asked."""
    pictures = list(images)
    Cell.objects.bulk_create(
        [Cell(image=image, width=image.width, height=image.height) for image in pictures],
        ignore_conflicts=True,
    )
    return queue_cells(
        list(Cell.objects.filter(image__in=pictures).select_related("image__case").order_by("pk"))
    )


def queue_cells(cells: Sequence[Cell]) -> list[int]:
    """A QUEUED row for each cell and the active model, sent after commit; the rows' ids.

    Without an active model nothing is recorded here: the cells are, and the sweep comes back to
    those that have no job once there is a model.
    """
    version = active_version()
    if version is None:
        return []
    Prediction.objects.bulk_create(
        [
            Prediction(
                cell=cell,
                model_version=version,
                image_sha256=cell.image.sha256,
                queue=cell.image.case.priority,
            )
            for cell in cells
        ],
        ignore_conflicts=True,
    )
    ids = list(
        Prediction.objects.filter(
            cell__in=cells, model_version=version, state=PredictionState.QUEUED
        ).values_list("pk", flat=True)
    )
    publish_on_commit(ids)
    return ids


def cancel_open(predictions: PredictionQuerySet, *, reason: str) -> int:
    """Nothing open among these goes on: a running one loses its lease, so its result is refused."""
    return predictions.filter(state__in=OPEN_STATES).update(
        state=PredictionState.CANCELLED,
        lease_token=None,
        lease_expires_at=None,
        last_error=reason,
    )
