"""Ringing for a training worker. What could not be sent stays QUEUED; the beat rings again."""

from classifier.clock import database_now
from classifier.dispatch import ring
from training.models import TrainingJob

QUEUE = "training"
TASK = "training.tasks.work"
EXPIRES = 600  # seconds: bells that nobody hears must not gather
AGAIN = 60.0  # seconds after which a run that still waits is rung for again


def ring_for(job: TrainingJob) -> bool:
    """Tell a training worker that there is work; False where the broker did not take it."""
    from training.tasks import work

    TrainingJob.objects.filter(pk=job.pk).update(published_at=database_now())
    return ring(work, queue=QUEUE, expires=EXPIRES)
