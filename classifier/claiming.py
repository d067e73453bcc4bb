"""Owning rows: the claim that counts an attempt, and the lease that is renewed while one works."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import F

from classifier.choices import PredictionState
from classifier.clock import database_now
from classifier.dispatch import ALONE_FROM
from classifier.models import ModelVersion, Prediction

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """One row that is ours while ``token`` and ``attempt`` are still in it."""

    pk: int
    token: UUID
    attempt: int
    case_id: int
    image_sha256: str
    picture_key: str
    box: tuple[int, int, int, int] | None  # x, y, width, height; None = the whole picture
    shadow: bool = False


def versions_waiting(prediction_ids: Sequence[int]) -> list[ModelVersion]:
    """The model versions that the still QUEUED ones of these rows are to be read with.

    Only what identifies them: this runs for every batch, and a manifest is long.
    """
    return list(
        ModelVersion.objects.filter(
            predictions__pk__in=prediction_ids, predictions__state=PredictionState.QUEUED
        )
        .only("model_id", "manifest_sha256")
        .order_by("pk")
        .distinct()
    )


def claim(
    *, prediction_ids: Sequence[int], version: ModelVersion, token: UUID, lease_seconds: float
) -> list[Claim]:
    """Take the QUEUED rows among these: one UPDATE, committed before any picture is opened.

    A row that failed twice is taken only when it comes alone. Rows that somebody else took, or
    that are done, are simply not among the answers.
    """
    wanted = Prediction.jobs.filter(
        pk__in=prediction_ids, state=PredictionState.QUEUED, model_version=version
    )
    if len(prediction_ids) > 1:
        wanted = wanted.filter(attempt__lt=ALONE_FROM)
    with transaction.atomic():
        if connection.vendor == "postgresql":
            # Two copies of one message must not wait for each other's rows in different order.
            free = wanted.select_for_update(skip_locked=True).values("pk")
            wanted = Prediction.jobs.filter(pk__in=free, state=PredictionState.QUEUED)
        taken = wanted.update(
            state=PredictionState.RUNNING,
            attempt=F("attempt") + 1,
            lease_token=token,
            lease_expires_at=database_now(plus_seconds=lease_seconds),
        )
    if not taken:
        return []
    return _claims(token, version)


# Columns, not objects: this runs for every cell.
_CLAIMED = (
    "pk", "attempt", "image_sha256", "cell__image__case_id", "cell__image__picture_key",
    "cell__image__width", "cell__image__height",
    "beside_id", "cell__x", "cell__y", "cell__width", "cell__height",
)  # fmt: skip


def _claims(token: UUID, version: ModelVersion) -> list[Claim]:
    rows = (
        Prediction.jobs.filter(
            lease_token=token, state=PredictionState.RUNNING, model_version=version
        )
        .order_by("pk")
        .values_list(*_CLAIMED)
    )
    claims = []
    for pk, attempt, sha256, case_id, key, width, height, beside, *box in rows:
        whole = box == [0, 0, width, height]
        claims.append(
            Claim(
                pk=pk,
                token=token,
                attempt=attempt,
                case_id=case_id,
                image_sha256=sha256,
                picture_key=key,
                box=None if whole else (box[0], box[1], box[2], box[3]),
                shadow=beside is not None,
            )
        )
    return claims


@contextmanager
def lease_kept(token: UUID) -> Iterator[None]:
    """Renews the lease from a thread while the block runs, three times within each lease.

    A worker that dies stops renewing, and its rows are free after one lease; one that hangs is
    killed by the task's hard limit, which frees them too (``classifier.requests``).
    """
    done = threading.Event()
    seconds = settings.LEASE_SECONDS

    def renew() -> None:
        while not done.wait(seconds / 3):
            try:
                Prediction.jobs.filter(lease_token=token, state=PredictionState.RUNNING).update(
                    lease_expires_at=database_now(plus_seconds=seconds)
                )
            except Error:  # should the lease run out, the result is fenced: nothing is wrong
                log.warning("lease not renewed", exc_info=True)
                connection.close()
        connection.close()

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=5)
