"""Celery's entry: a doorbell for the worker that trains, and the beat that looks after runs."""

from django.db.models import Q

from classifier.clock import database_now
from telemed.tasks import upkeep
from training import claiming, running, worker
from training.bell import AGAIN, TASK, ring_for
from training.choices import JobState
from training.models import TrainingJob


@upkeep(name=TASK)
def work() -> None:
    """Train what waits, one run after the other, for as long as that takes. In a worker without a
    pool of processes (``--pool solo``), where no time limit holds; twice is as once."""
    worker.here()
    while not worker.ending() and running.run_next() is not None:
        pass


@upkeep(name="training.tasks.tend")
def tend() -> None:
    """Free runs whose worker is gone, and ring again for one that waits."""
    claiming.free_expired()
    if TrainingJob.objects.filter(state=JobState.RUNNING).exists():
        return
    quiet = Q(published_at__isnull=True) | Q(published_at__lt=database_now(plus_seconds=-AGAIN))
    waiting = TrainingJob.objects.filter(quiet, state=JobState.QUEUED).order_by("asked_at", "pk")
    job = waiting.first()
    if job is not None:
        ring_for(job)
