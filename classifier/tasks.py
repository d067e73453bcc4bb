"""Celery's entry: ids in; claim, call, done."""

import os
import time
from typing import Any
from uuid import UUID, uuid4

from celery.signals import worker_process_init

from classifier import heartbeat, nightly
from classifier import sweep as sweeping
from classifier.dispatch import send_upkeep
from classifier.loading import load_active
from classifier.reading import read_batch, read_shadow_batch
from telemed.celery import SHADOW_HARD_LIMIT, SHADOW_SOFT_LIMIT, SWEEP_SECONDS
from telemed.tasks import upkeep, work

_swept_at = float("-inf")  # by the monotonic clock of this process


@worker_process_init.connect(dispatch_uid="classifier.load_active")
def _load_in_the_child(**_: Any) -> None:
    if os.environ.get("TELEHEME_TRAINING_WORKER") != "1":  # that one reads no cells
        load_active()


@work(
    name="classifier.tasks.classify_batch", bind=True, Request="classifier.requests:ReadingRequest"
)
def classify_batch(self: Any, *, prediction_ids: list[int]) -> None:
    """Read those of these rows that still wait. The message's own id marks the rows it takes."""
    heartbeat.here()
    read_batch(prediction_ids=prediction_ids, token=_token(self))


@work(
    name="classifier.tasks.shadow_batch",
    bind=True,
    Request="classifier.requests:ReadingRequest",
    soft_time_limit=SHADOW_SOFT_LIMIT,
    time_limit=SHADOW_HARD_LIMIT,
)
def shadow_batch(self: Any, *, prediction_ids: list[int]) -> None:
    """Read those of these rows along that still wait; less may be late, so less time is given."""
    heartbeat.here()
    read_shadow_batch(prediction_ids=prediction_ids, token=_token(self))


def _token(task: Any) -> UUID:
    return UUID(task.request.id) if task.request.id else uuid4()


@upkeep(name="classifier.tasks.sweep")
def sweep() -> None:
    """Find what a broker, a worker or a crash forgot. Bells that gathered meanwhile count as one."""
    global _swept_at
    heartbeat.here()
    if time.monotonic() - _swept_at > SWEEP_SECONDS / 2:
        sweeping.sweep()
        _swept_at = time.monotonic()


@upkeep(name="classifier.tasks.verify_invariants")
def verify_invariants(*, after: int = 0) -> None:
    """The nightly check, in slices that a stat case need not wait for."""
    further = nightly.check_slice(after=after)
    if further is not None:
        send_upkeep(verify_invariants, after=further)
