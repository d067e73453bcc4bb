"""Counts by day of what the model said and what was signed, streams that may drift, alarms.

Nothing here names a case or a patient: every row is a count over the cells of one origin.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from classifier.models import ModelVersion
from monitoring.choices import LIVE_STATES, AlarmKind, AlarmState
from monitoring.shares import Rate
from patients.choices import Stain
from review.choices import Label


class Origin(models.Model):
    """Where cells come from: an organisation's pictures of one stain, microscope and site.

    Microscope and site are what clinicians wrote, where enough cases bear it (``monitoring.names``).
    """

    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    stain = models.CharField(max_length=16, choices=Stain, blank=True)
    device = models.CharField("microscope", max_length=120, blank=True)
    site = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["organisation", "stain", "device", "site"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "stain", "device", "site"], name="origin_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.stain}, {self.device}, {self.site}"


class DayCounted(models.Model):
    """A day whose counts are in, and as of when. Counting a day again replaces its counts."""

    day = models.DateField(unique=True)
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["day"]

    def __str__(self) -> str:
        return str(self.day)


class ReadCount(models.Model):
    """Cells of one origin that a model read on one day as one class, and how sure it was.

    ``confidence_0`` to ``confidence_9`` and ``score_0`` to ``score_9`` share the cells out over the
    bands of ``monitoring.bands``: of the confidence, and of the in-distribution score.
    """

    day = models.DateField()
    origin = models.ForeignKey(Origin, models.PROTECT, related_name="+")
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    label = models.CharField(max_length=16)  # the most probable class, abstained or not
    read = models.PositiveIntegerField()
    abstained = models.PositiveIntegerField(default=0)  # of those
    confidence_0 = models.PositiveIntegerField(default=0)
    confidence_1 = models.PositiveIntegerField(default=0)
    confidence_2 = models.PositiveIntegerField(default=0)
    confidence_3 = models.PositiveIntegerField(default=0)
    confidence_4 = models.PositiveIntegerField(default=0)
    confidence_5 = models.PositiveIntegerField(default=0)
    confidence_6 = models.PositiveIntegerField(default=0)
    confidence_7 = models.PositiveIntegerField(default=0)
    confidence_8 = models.PositiveIntegerField(default=0)
    confidence_9 = models.PositiveIntegerField(default=0)
    score_0 = models.PositiveIntegerField(default=0)
    score_1 = models.PositiveIntegerField(default=0)
    score_2 = models.PositiveIntegerField(default=0)
    score_3 = models.PositiveIntegerField(default=0)
    score_4 = models.PositiveIntegerField(default=0)
    score_5 = models.PositiveIntegerField(default=0)
    score_6 = models.PositiveIntegerField(default=0)
    score_7 = models.PositiveIntegerField(default=0)
    score_8 = models.PositiveIntegerField(default=0)
    score_9 = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            # Serves the page, too: it asks for a range of days.
            models.UniqueConstraint(
                fields=["day", "origin", "version", "label"], name="read_count_once"
            ),
            models.CheckConstraint(
                condition=Q(abstained__lte=models.F("read")), name="read_count_abstained_of_read"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.read} {self.label}"


class SignedCount(models.Model):
    """Cells of one origin in the reports that became final on one day: what the model said, and
    what was signed."""

    day = models.DateField()
    origin = models.ForeignKey(Origin, models.PROTECT, related_name="+")
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    said = models.CharField(max_length=16)  # the most probable class, abstained or not
    abstained = models.BooleanField()
    signed = models.CharField(max_length=24, choices=Label)
    cells = models.PositiveIntegerField()

    class Meta:
        constraints = [
            # Serves the page, too: it asks for a range of days.
            models.UniqueConstraint(
                fields=["day", "origin", "version", "said", "abstained", "signed"],
                name="signed_count_once",
            ),
            models.CheckConstraint(
                condition=Q(signed__in=Label.values), name="signed_count_label_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.cells} {self.said} signed {self.signed}"


class Followed(models.Model):
    """Up to where the streams have taken in what was read: one row."""

    name = models.CharField(max_length=16, unique=True)
    at = models.DateTimeField(null=True, blank=True)  # of the last cell: when it was read
    key = models.BigIntegerField(default=0)  # and its primary key, where several share a time

    def __str__(self) -> str:
        return f"{self.name} up to {self.at}"


class Stream(models.Model):
    """Cells of one organisation, stain and microscope as one model reads them, one after another.

    The first of them are the reference; the newest are the window that is held against it. Both
    are packed (``monitoring.cells``): figures and places of cells, no picture and no patient.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    stain = models.CharField(max_length=16, choices=Stain, blank=True)
    device = models.CharField("microscope", max_length=120, blank=True)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    reference = models.BinaryField(blank=True)
    reference_cells = models.PositiveIntegerField(default=0)
    reference_cases = models.PositiveIntegerField(default=0)
    # Nobody: the first cells that came. Else whoever took others in their place.
    reference_set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reference_at = models.DateTimeField(null=True, blank=True)
    window = models.BinaryField(blank=True)
    # Cells that came since it was last measured.
    unmeasured = models.PositiveIntegerField(default=0)
    newest_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["organisation__name", "stain", "device", "-version__registered_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "stain", "device", "version"], name="stream_once"
            ),
        ]

    def __str__(self) -> str:
        stain = self.get_stain_display() or "stain not stated"
        return f"{self.organisation}, {stain}, {self.device or 'microscope not stated'}"


class Drift(models.Model):
    """How far the window of a stream lay from its reference at one moment."""

    stream = models.ForeignKey(Stream, models.CASCADE, related_name="points")
    at = models.DateTimeField()  # when the newest cell of the window was read
    newest = models.BigIntegerField()  # that cell's prediction, by primary key
    cells = models.PositiveIntegerField()
    cases = models.PositiveIntegerField()
    confidence_psi = models.FloatField()
    classes_psi = models.FloatField()
    # Population distance of the embeddings, 0 to 1; None where the model gives none.
    distance = models.FloatField(null=True, blank=True)
    abstained = models.PositiveIntegerField()

    class Meta:
        ordering = ["stream", "at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["stream", "newest"], name="drift_once"),
        ]
        indexes = [
            # The curve of a stream: its newest points.
            models.Index(fields=["stream", "-at"], name="drift_by_stream"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} at {self.at}"

    @property
    def abstention(self) -> Rate:
        return Rate(self.abstained, self.cells)


class Alarm(models.Model):
    """One cause that somebody should look at. There is at most one that is not closed of each."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=16, choices=AlarmKind)
    state = models.CharField(max_length=16, choices=AlarmState, default=AlarmState.OPEN)
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    # Overrides are of all streams of an organisation together.
    stream = models.ForeignKey(Stream, models.PROTECT, null=True, blank=True, related_name="alarms")
    opened_at = models.DateTimeField()  # when the newest cell that it rests on was read or signed
    cells = models.PositiveIntegerField()
    value = models.FloatField()  # when it was opened
    limit = models.FloatField()  # above which it was opened
    latest = models.FloatField()  # the newest value
    # The last time that it was above the limit.
    over_at = models.DateTimeField()
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    # Nobody: it closed by itself, because wholly new cells are below the limit.
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)  # why it was closed

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "stream"],
                condition=Q(state__in=LIVE_STATES, stream__isnull=False),
                name="alarm_one_live_per_stream",
            ),
            models.UniqueConstraint(
                fields=["kind", "organisation", "version"],
                condition=Q(state__in=LIVE_STATES, stream__isnull=True),
                name="alarm_one_live_per_organisation",
            ),
            models.CheckConstraint(condition=Q(kind__in=AlarmKind.values), name="alarm_kind_known"),
            models.CheckConstraint(
                condition=Q(
                    state=AlarmState.OPEN,
                    acknowledged_at__isnull=True,
                    acknowledged_by__isnull=True,
                    closed_at__isnull=True,
                    closed_by__isnull=True,
                )
                | Q(
                    state=AlarmState.ACKNOWLEDGED,
                    acknowledged_at__isnull=False,
                    acknowledged_by__isnull=False,
                    closed_at__isnull=True,
                    closed_by__isnull=True,
                )
                | Q(state=AlarmState.CLOSED, closed_at__isnull=False),
                name="alarm_state_consistent",
            ),
            models.CheckConstraint(
                condition=Q(kind=AlarmKind.OVERRIDES, stream__isnull=True)
                | ~Q(kind=AlarmKind.OVERRIDES) & Q(stream__isnull=False),
                name="alarm_of_stream_or_organisation",
            ),
        ]
        indexes = [
            # How many are open: beside the navigation of every administrator's page.
            models.Index(
                fields=["-opened_at"], condition=Q(state=AlarmState.OPEN), name="alarm_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.stream or self.organisation}"
