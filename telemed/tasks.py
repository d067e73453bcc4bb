"""The two kinds of task. Every task of the house is declared with one of them, and no other way."""

from collections.abc import Callable
from typing import Any

from celery import shared_task

# A stat case and the upkeep that rescues lost work share the queue that is always served first.
UPKEEP_QUEUE = "stat"


def work(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Work on rows that count their own attempts: delivered again when a worker dies with it."""
    return shared_task(ignore_result=True, acks_late=True, reject_on_worker_lost=True, **options)


def upkeep(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A periodic job. One that kills its worker is not delivered again: the clock rings anyway."""
    return shared_task(ignore_result=True, acks_late=False, reject_on_worker_lost=False, **options)
