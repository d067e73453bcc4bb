"""Writing what a batch came to: one transaction, and only into rows that are still ours."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from classifier.attempts import SUPERSEDED, TOO_SLOW, attempt_failed, lock_cases, settle_cases
from classifier.choices import PredictionState
from classifier.claiming import Claim
from classifier.dispatch import publish_on_commit
from classifier.inference.errors import UnreadableImageError
from classifier.inference.result import CellResult
from classifier.models import Prediction
from classifier.shadow_jobs import follow
from patients.errors import DomainError
from patients.storage import StorageUnavailable

log = logging.getLogger(__name__)

SUM_TOLERANCE = 1e-4  # of five probabilities around 1
RESULT_FIELDS = [
    "state", "lease_token", "lease_expires_at", "last_error", "finished_at",
    "label", "confidence", "probabilities", "in_distribution", "abstained", "reasons",
    "activation", "shown", "attributes", "embedding", "model_sha256", "precision", "milliseconds",
]  # fmt: skip


# Of the picture only what the fence asks for, and of the row nothing that a result replaces: this
# runs for every cell.
_FENCE = ["state", "lease_token"]
_ROW = _FENCE + [
    field.name for field in Prediction._meta.concrete_fields if field.name not in RESULT_FIELDS
]


@dataclass(frozen=True)
class Answer:
    """What became of one claimed row: a result or an exception."""

    claim: Claim
    result: CellResult | None = None
    exception: BaseException | None = None


@dataclass
class Written:
    """How many rows a batch finished in which way."""

    done: int = 0
    failed: int = 0
    fenced: int = 0


@transaction.atomic
def finish(*, answers: Sequence[Answer]) -> Written:
    """Write results, put failures back or aside, and move cases on that wait for nothing more.

    What was read is read by the shadows next. Their own results move no case, and lock none.
    """
    written = Written()
    cases = lock_cases(answer.claim.case_id for answer in answers if not answer.claim.shadow)
    rows = (
        Prediction.jobs.select_for_update(of=("self",))
        .select_related("cell__image")
        .only(*_ROW, "cell__image__case", "cell__image__removed_at", "cell__image__sha256")
        .in_bulk([answer.claim.pk for answer in answers])
    )
    done: list[Prediction] = []
    error = ""
    again: list[int] = []
    for answer in answers:
        row = rows[answer.claim.pk]
        if not _ours(row, answer.claim):
            written.fenced += 1
            log.warning("prediction %s fenced: the row is no longer ours", row.public_id)
        elif row.cell.image.removed_at or row.cell.image.sha256 != row.image_sha256:
            written.fenced += 1
            _cancel(row)
        elif answer.result is not None and not (error := wrong_in(answer.result)):
            _fill(row, answer.result, answer.claim)
            done.append(row)
        else:
            written.failed += 1
            opened = not isinstance(answer.exception, StorageUnavailable)
            reason = error if answer.result is not None else sentence(answer.exception)
            if attempt_failed(row, error=reason, opened=opened):
                again.append(row.pk)
    _write(done)
    written.done = len(done)
    publish_on_commit(again)
    publish_on_commit(follow([row for row in done if row.beside_id is None]))
    settle_cases(cases)
    return written


def _write(rows: list[Prediction]) -> None:
    """All results in one statement. The rows exist and are locked, so every insert meets its own
    row; ``bulk_update`` would say the same with a CASE a field and a row, ten times slower."""
    Prediction.jobs.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=RESULT_FIELDS
    )


def _ours(row: Prediction, claim: Claim) -> bool:
    return (
        row.state == PredictionState.RUNNING
        and row.lease_token == claim.token
        and row.attempt == claim.attempt
    )


def wrong_in(result: CellResult) -> str:
    """What makes a result unfit to keep, as a sentence; empty when nothing does."""
    values = result.probabilities
    if not all(math.isfinite(value) for value in (*values, result.confidence)):
        return "The model's answer was not a number."
    if len(values) != len(result.classes) or abs(sum(values) - 1) > SUM_TOLERANCE:
        return "The model's probabilities did not add up to one."
    return ""


def sentence(exception: BaseException | None) -> str:
    """For people; other exceptions' texts stay in the log, because they may quote anything."""
    if exception is None:
        return "The worker stopped before it came to this picture."
    if isinstance(exception, DomainError | UnreadableImageError):
        return str(exception)
    if isinstance(exception, SoftTimeLimitExceeded):
        return TOO_SLOW
    if isinstance(exception, MemoryError):
        return "Reading this picture needed more memory than there is."
    return f"Reading this picture failed unexpectedly ({type(exception).__name__})."


def _cancel(row: Prediction) -> None:
    log.warning("prediction %s superseded: its picture was removed or replaced", row.public_id)
    row.state = PredictionState.CANCELLED
    row.last_error = SUPERSEDED
    row.lease_token = row.lease_expires_at = None
    row.save(update_fields=["state", "last_error", "lease_token", "lease_expires_at"])


def _fill(row: Prediction, result: CellResult, claim: Claim) -> None:
    left, top = claim.box[:2] if claim.box else (0, 0)
    box = result.box
    values: dict[str, Any] = {
        "state": PredictionState.DONE,
        "lease_token": None,
        "lease_expires_at": None,
        "last_error": "",
        "finished_at": timezone.now(),
        "label": result.label,
        "confidence": result.confidence,
        "probabilities": list(result.probabilities),
        "in_distribution": result.in_distribution,
        "abstained": result.abstained,
        "reasons": list(result.reasons),
        "activation": result.cam,
        "shown": [left + box.x, top + box.y, box.width, box.height],
        "attributes": {
            each.name: [each.value, round(each.probability, 4)] for each in result.attributes
        },
        "embedding": result.embedding,
        "model_sha256": result.model_sha256,
        "precision": result.precision,
        "milliseconds": round(result.milliseconds, 2),
    }
    for name, value in values.items():
        setattr(row, name, value)
