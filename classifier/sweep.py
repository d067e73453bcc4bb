"""The safety net: whatever a broker, a worker or a crash forgot is found in the database."""

import logging
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from classifier.attempts import WORKER_LOST, give_back, lock_cases, settle_cases
from classifier.choices import QUEUES, SHADOW_QUEUE, PredictionState
from classifier.clock import database_now
from classifier.dispatch import batch_size, mend_keys, messages_waiting, publish
from classifier.models import Cell, Prediction
from classifier.queueing import queue_cells
from classifier.shadow_jobs import at_rest, end_strays
from patients.choices import CaseStatus

log = logging.getLogger(__name__)

LARGEST = 512  # rows of each kind in one sweep


@dataclass(frozen=True)
class Swept:
    rescued: int  # leases that had run out
    found: int  # cells that nobody had queued
    sent: int  # rows sent again


def sweep() -> Swept:
    """Free expired leases, queue what was never queued, send again what waits too long."""
    end_strays()
    swept = Swept(rescued=_rescue(), found=_find_unqueued(), sent=_send_again())
    if any(vars(swept).values()):
        log.warning(
            "sweep: %d leases had run out, %d cells were not queued, %d rows sent again",
            swept.rescued, swept.found, swept.sent,
        )  # fmt: skip
    return swept


def _rescue() -> int:
    expired = Q(state=PredictionState.RUNNING, lease_expires_at__lt=database_now())
    found = list(
        Prediction.jobs.filter(expired)
        .order_by("lease_expires_at")
        .values_list("pk", "cell__image__case_id")[:LARGEST]
    )
    return rescue(found, only=expired, error=WORKER_LOST) if found else 0


@transaction.atomic
def rescue(found: list[tuple[int, int]], *, only: Q, error: str) -> int:
    """Give back those of the (row, case) pairs for which ``only`` still holds under lock."""
    cases = lock_cases(case for _, case in found)
    rows = list(
        Prediction.jobs.select_for_update(of=("self",))
        .select_related("cell__image__case")
        .filter(only, pk__in=[pk for pk, _ in found])
        .order_by("pk")
    )
    give_back(rows, error=error)
    settle_cases(cases)
    return len(rows)


def _find_unqueued() -> int:
    """Cells without any job: their pictures arrived while no model was active."""
    cells = list(
        Cell.objects.filter(
            ~Exists(Prediction.objects.filter(cell=OuterRef("pk"))),
            image__removed_at__isnull=True,
            image__case__status=CaseStatus.CLASSIFYING,
        )
        .select_related("image__case")
        .order_by("pk")[:LARGEST]
    )
    if not cells:
        return 0
    with transaction.atomic():
        return len(queue_cells(cells))


def _send_again() -> int:
    """QUEUED and not heard of for long enough, stat first.

    A queue that holds a message for every batch of them has only not come to them yet: sending
    more would bury it.
    """
    waited = database_now(plus_seconds=-settings.REPUBLISH_SECONDS)
    # created_at is a web machine's clock: a row "of the future" must not wait for it to come true.
    due = Q(published_at__lt=waited) | Q(published_at__isnull=True) & (
        Q(created_at__lt=waited) | Q(created_at__gt=database_now(plus_seconds=5)) | Q(attempt__gt=0)
    )
    late: list[int] = []
    waiting: dict[str, int] | None = None
    for queue in QUEUES:
        waits = Prediction.jobs.filter(due, state=PredictionState.QUEUED, queue=queue)
        if queue == SHADOW_QUEUE:
            waits = waits.exclude(model_version__in=at_rest())
        ids = list(
            waits.order_by(F("published_at").asc(nulls_first=True), "pk").values_list(
                "pk", flat=True
            )[:LARGEST]
        )
        if not ids:
            continue
        if waiting is None:
            mend_keys()
            waiting = messages_waiting(QUEUES)
        if waiting is None:
            break
        if waiting[queue] * batch_size(queue) < len(ids):
            late += ids
    return publish(late, insist=True) if late else 0
