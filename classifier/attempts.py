"""What happens to a row whose attempt came to nothing: again, alone, or read by eye.

Lock order everywhere: cases by primary key, then predictions. Callers hold both.
"""

import logging
from collections.abc import Iterable

from django.db.models import Exists, OuterRef

import audit.services as audit
from audit.models import Outcome
from classifier.choices import OPEN_STATES, PredictionState
from classifier.dispatch import publish_on_commit
from classifier.models import Cell, Prediction
from patients import ports
from patients.choices import CaseStatus
from patients.models import Case

log = logging.getLogger(__name__)

ATTEMPTS = 3

WORKER_LOST = "The worker stopped while it was reading this picture."
TOO_SLOW = "Reading this picture took longer than is allowed."
SUPERSEDED = "The picture was removed or replaced while it was being read."


def lock_cases(case_ids: Iterable[int]) -> list[Case]:
    """Lock these cases in one fixed order; inside a transaction."""
    ids = sorted(set(case_ids))
    return list(Case.objects.select_for_update().filter(pk__in=ids).order_by("pk"))


def attempt_failed(row: Prediction, *, error: str, opened: bool = True) -> bool:
    """Put a RUNNING row back, or aside after three attempts; True when it is to be sent again.

    An attempt counts once a picture was or may have been opened. ``opened=False`` (the picture
    store did not answer) gives it back: an outage must not condemn a good picture.
    """
    row.last_error = error[:300]
    row.lease_token = row.lease_expires_at = None
    if not opened:
        row.attempt -= 1
    if row.attempt < ATTEMPTS:
        row.state = PredictionState.QUEUED
        if opened:
            row.published_at = None
    else:
        row.state = PredictionState.QUARANTINED
    row.save(
        update_fields=[
            "state", "attempt", "lease_token", "lease_expires_at", "last_error", "published_at"
        ]
    )  # fmt: skip
    if row.state == PredictionState.QUARANTINED and row.beside_id is not None:
        # The cell has its answer. That a shadow has none is said on the shadow's page alone.
        log.warning("a shadow's prediction %s set aside: %s", row.public_id, error)
        return False
    if row.state == PredictionState.QUARANTINED:
        log.error(
            "prediction %s quarantined after %d attempts: %s", row.public_id, row.attempt, error
        )
        audit.record(
            action="prediction.quarantined",
            outcome=Outcome.FAILED,
            obj=row,
            case_id=row.cell.image.case.public_id,
            attempts=row.attempt,
            error=row.last_error,
        )
        for following in ports.following():
            following.cell_unread(case=row.cell.image.case, key=f"cell:{row.public_id}")
        return False
    log.warning(
        "prediction %s back in the queue (attempt %d): %s", row.public_id, row.attempt, error
    )
    return opened


def give_back(rows: Iterable[Prediction], *, error: str) -> None:
    """Attempts that ended without an answer: again or aside, sent after commit."""
    publish_on_commit([row.pk for row in rows if attempt_failed(row, error=error)])


def settle_cases(cases: Iterable[Case]) -> None:
    """Move on those of these locked cases that are CLASSIFYING and have nothing left to wait for."""
    from patients.services import case_move

    for case in cases:
        if case.status != CaseStatus.CLASSIFYING:
            continue
        if Prediction.objects.of_case(case).open().exists():
            continue  # the usual answer, and a cheap one: open rows are few and have an index
        cells = Cell.objects.filter(image__case=case, image__removed_at__isnull=True)
        predictions = Prediction.objects.filter(cell=OuterRef("pk"))
        waiting = cells.filter(
            ~Exists(predictions) | Exists(predictions.filter(state__in=OPEN_STATES))
        )
        if not waiting.exists() and cells.exists():
            case_move(case=case, to=CaseStatus.READY, actor=None)
