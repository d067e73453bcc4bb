"""Loaded by the tests' workers only: where to die, and a look inside a pool child."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from celery import shared_task
from celery.signals import task_postrun


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
