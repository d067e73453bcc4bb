"""Who read a case, and every verdict they gave. Verdicts are only ever added."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from review.choices import ActKind, Label, ReadingKind
from review.querysets import OfCaseQuerySet


class Reading(models.Model):
    """One reading of a case. What a cell is called in it is its newest verdict, else the model's
    answer."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey("patients.Case", models.PROTECT, related_name="readings")
    kind = models.CharField(max_length=16, choices=ReadingKind)
    # Whoever the reading is asked of, or took it. A primary reading belongs to the case's reader,
    # whoever that is, and names nobody.
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    question = models.TextField(max_length=2000, blank=True)
    # The model's answers are kept from the reader until they have committed to their own.
    blind = models.BooleanField(default=False)
    opened_at = models.DateTimeField(auto_now_add=True)
    committed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind"],
                condition=Q(kind__in=[ReadingKind.PRIMARY, ReadingKind.SECOND]),
                name="reading_one_primary_one_second",
            ),
            models.CheckConstraint(
                condition=Q(kind=ReadingKind.PRIMARY, reader__isnull=True, question="")
                | Q(kind=ReadingKind.SECOND, blind=True, question="")
                | Q(kind=ReadingKind.OPINION, blind=False, asked_by__isnull=False),
                name="reading_kind_consistent",
            ),
        ]
        indexes = [
            # Waiting for me: open readings by whom they are asked of.
            models.Index(
                fields=["reader", "opened_at"],
                condition=Q(finished_at__isnull=True),
                name="reading_open_by_reader",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.case}"

    @property
    def hides_model(self) -> bool:
        return self.blind and self.committed_at is None


class Act(models.Model):
    """One thing that a reader did to one or many cells at once: what undo takes back."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    reading = models.ForeignKey(Reading, models.PROTECT, related_name="acts")
    # Within the reading, from 1, without gaps.
    number = models.PositiveIntegerField()
    # Chosen by the browser: the same act sent twice is one act.
    key = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=ActKind, default=ActKind.CLASSIFY)
    # What an UNDO takes back (a CLASSIFY, ADOPT or REDO), or a REDO does again (an UNDO).
    of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["reading", "number"], name="act_number_unique"),
            models.UniqueConstraint(fields=["reading", "key"], name="act_once"),
            # Taken back once, done again once.
            models.UniqueConstraint(
                fields=["of"], condition=Q(of__isnull=False), name="act_taken_back_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[ActKind.UNDO, ActKind.REDO], of__isnull=False)
                | Q(kind__in=[ActKind.CLASSIFY, ActKind.ADOPT], of__isnull=True),
                name="act_kind_consistent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reading} act {self.number}"


class Verdict(models.Model):
    """What a reader called a cell, and from what. Never changed, never deleted (a trigger)."""

    act = models.ForeignKey(Act, models.PROTECT, related_name="verdicts")
    cell = models.ForeignKey("classifier.Cell", models.PROTECT, related_name="verdicts")
    label = models.CharField(max_length=24, choices=Label)
    # What it was called before, and what the model had said ("unidentified" where it abstained,
    # empty where it had not answered).
    before = models.CharField(max_length=24, choices=Label)
    suggested = models.CharField(max_length=24, choices=Label, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["act", "cell"], name="verdict_once_per_act"),
            models.CheckConstraint(
                condition=Q(label__in=Label.values) & Q(before__in=Label.values),
                name="verdict_label_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cell}: {self.label}"


class CellSeen(models.Model):
    """A cell was on a reader's screen long enough to be looked at."""

    reading = models.ForeignKey(Reading, models.PROTECT, related_name="seen")
    cell = models.ForeignKey("classifier.Cell", models.PROTECT, related_name="+")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reading", "cell", "reader"], name="seen_once"),
        ]

    def __str__(self) -> str:
        return f"{self.cell} seen by {self.reader}"


class Presence(models.Model):
    """Somebody has a case open for reading; stale after half a minute."""

    case = models.ForeignKey("patients.Case", models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="presence_once")]

    def __str__(self) -> str:
        return f"{self.user} at {self.case}"
