"""Loaded by the tests' workers only: where to die, a wrong clock, a look inside a pool child.

A worker's main process imports this before it connects and before it forks.
"""

import os
import signal
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import celery.worker.request
import kombu.transport.redis
from celery import shared_task
from celery.signals import task_postrun
from django.utils import timezone


def _turn_the_clock(seconds: float) -> None:
    """Every clock that this process reads: Python's, the queue's, expiry's and Django's."""
    true_time, true_now = time.time, timezone.now

    class Datetime(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=seconds)

    time.time = kombu.transport.redis.time = lambda: true_time() + seconds
    celery.worker.request.datetime = Datetime
    timezone.now = lambda: true_now() + timedelta(seconds=seconds)


if ahead := float(os.environ.get("TEST_CLOCK_AHEAD", "0")):
    _turn_the_clock(ahead)


@task_postrun.connect
def _die_between_commit_and_acknowledgement(sender: Any = None, **_: Any) -> None:
    """Once per file: the results are in the database, and the broker has not heard of it."""
    orders = os.environ.get("TEST_DIE_BEFORE_ACK", "")
    if orders and sender is not None and sender.name == "classifier.tasks.classify_batch":
        try:
            next(Path(orders).iterdir()).unlink()
        except (StopIteration, FileNotFoundError):
            return
        os.kill(os.getpid(), signal.SIGKILL)


@shared_task(name="tests.loaded_modules")
def loaded_modules(*, path: str) -> None:
    """Write down what this pool child has imported."""
    Path(path).with_suffix(".part").write_text("\n".join(sorted(sys.modules)))
    Path(path).with_suffix(".part").rename(path)
