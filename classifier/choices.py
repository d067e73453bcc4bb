"""The fixed vocabularies of classification."""

from django.db import models

from patients.choices import Priority


class ModelState(models.TextChoices):
    CANDIDATE = "candidate", "Candidate"
    SHADOW = "shadow", "Shadow"
    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"


class PromotionState(models.TextChoices):
    REFUSED = "refused", "Refused by the gate"
    WAITING = "waiting", "Waiting for a second administrator"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    DONE = "done", "Activated"


class PredictionState(models.TextChoices):
    """Life of one job: QUEUED → RUNNING → DONE, or back to QUEUED, or to one of the two ends."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Being read"
    DONE = "done", "Read"
    QUARANTINED = "quarantined", "Not analysed: read by eye"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATES = (PredictionState.QUEUED, PredictionState.RUNNING)
# Served after all others: what a version reads along as a shadow, which nobody waits for.
SHADOW_QUEUE = "shadow"
QUEUES: tuple[str, ...] = (*Priority.values, SHADOW_QUEUE)
