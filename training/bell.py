"""Ringing for a training worker. What could not be sent stays QUEUED; the beat rings again."""

import logging

from celery import current_app

from classifier.clock import database_now
from training.models import TrainingJob

log = logging.getLogger(__name__)

QUEUE = "training"
TASK = "training.tasks.work"
EXPIRES = 600  # seconds: bells that nobody hears must not gather
AGAIN = 60.0  # seconds after which a run that still waits is rung for again


def ring_for(job: TrainingJob) -> bool:
    """Tell a training worker that there is work; False where the broker did not take it."""
    TrainingJob.objects.filter(pk=job.pk).update(published_at=database_now())
    try:
        with current_app.connection_for_write(connect_timeout=2) as connection:
            current_app.send_task(
                TASK, queue=QUEUE, expires=EXPIRES, connection=connection, retry=False
            )
    except Exception as error:  # the beat rings again
        log.warning("broker did not take a bell for training (%s)", type(error).__name__)
        return False
    return True
