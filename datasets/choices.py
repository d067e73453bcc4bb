"""The fixed vocabularies of data sets."""

from django.db import models


class Origin(models.TextChoices):
    """Where a data set's pictures come from."""

    IMPORTED = "imported", "Imported"
    SIGNED = "signed", "Signed cells"


class SetState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    REMOVED = "removed", "Removed"  # its pictures are gone, what was said about them stays


OPEN_STATES = (SetState.WAITING, SetState.RUNNING)


class Split(models.TextChoices):
    """In the order in which they are protected: whatever is in doubt goes to the later one."""

    TRAIN = "train", "Train"
    VAL = "val", "Validation"
    TEST = "test", "Test"


class ItemState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    KEPT = "kept", "Kept"
    LEFT_OUT = "left_out", "Left out"
