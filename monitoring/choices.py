"""The fixed vocabularies of monitoring."""

from django.db import models


class AlarmKind(models.TextChoices):
    """What has changed. Each kind has its own measure and its own limit."""

    CONFIDENCE = "confidence", "Confidence"
    CLASSES = "classes", "Mix of classes"
    APPEARANCE = "appearance", "Appearance of the cells"
    ABSTENTION = "abstention", "Abstention"
    OVERRIDES = "overrides", "Overrides"


class AlarmState(models.TextChoices):
    OPEN = "open", "Open"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    CLOSED = "closed", "Closed"


# Those that stand in the way of a second alarm about the same cause.
LIVE_STATES = (AlarmState.OPEN, AlarmState.ACKNOWLEDGED)
