"""The fixed vocabularies of training runs."""

from django.db import models


class Kind(models.TextChoices):
    TRANSFER = "transfer", "Transfer learning"
    FINE_TUNING = "fine-tuning", "Fine-tuning"


class JobState(models.TextChoices):
    """QUEUED → RUNNING → DONE, FAILED or STOPPED; a stopped or failed one may be queued again."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Failed"
    DONE = "done", "Done"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)
ENDED_STATES = (JobState.STOPPED, JobState.FAILED)
"""From which a run can go on."""
