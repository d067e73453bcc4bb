"""Signed reports: what was said, by whom, and who has read it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from review.choices import Answered, ReportState
from review.querysets import OfCaseQuerySet, ReportQuerySet


class Report(models.Model):
    """One version of a case's report. Its content is frozen when the first signature is given.

    ``content`` is canonical JSON (``review.reports.content``): image hashes, model, thresholds, the
    model's and the reader's label of every cell, differential, flags, comment. ``sha256`` is of its
    bytes (UTF-8). A trigger refuses any change of both.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey("patients.Case", models.PROTECT, related_name="reports")
    version = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=16, choices=ReportState)
    amends = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="amendments"
    )
    reason = models.TextField("reason for the amendment", max_length=2000, blank=True)
    content = models.TextField()
    sha256 = models.CharField(max_length=64, unique=True)
    # Short and without look-alikes: what a person types to verify a printed report.
    code = models.CharField(max_length=16, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    # When the last signature it needs was given.
    final_at = models.DateTimeField(null=True, blank=True)
    pdf_key = models.CharField(max_length=160, blank=True)
    pdf_sha256 = models.CharField(max_length=64, blank=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["case", "version", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "version"],
                condition=~Q(state=ReportState.RETURNED),
                name="report_version_once",
            ),
            # What was returned unsigned amends nothing.
            models.UniqueConstraint(
                fields=["amends"],
                condition=~Q(state=ReportState.RETURNED),
                name="report_amended_once",
            ),
            models.UniqueConstraint(
                fields=["case"], condition=Q(state=ReportState.FINAL), name="report_one_final"
            ),
            models.UniqueConstraint(
                fields=["case"], condition=Q(state=ReportState.AWAITING), name="report_one_awaiting"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[ReportState.FINAL, ReportState.SUPERSEDED], final_at__isnull=False
                )
                | Q(state__in=[ReportState.AWAITING, ReportState.RETURNED], final_at__isnull=True),
                name="report_final_has_time",
            ),
            models.CheckConstraint(
                condition=Q(version=1, amends__isnull=True, reason="")
                | Q(version__gt=1, amends__isnull=False) & ~Q(reason=""),
                name="report_amendment_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} report {self.version}"


class ReportDraft(models.Model):
    """What whoever holds a case has written for its report so far; saved as they type."""

    case = models.OneToOneField("patients.Case", models.PROTECT, related_name="+")
    comment = models.TextField(max_length=5000, blank=True)
    reason = models.TextField("reason for the amendment", max_length=2000, blank=True)
    # Grows with every saved edit: a stale one is refused, never merged silently.
    version = models.PositiveIntegerField(default=1)
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    edited_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"Draft for {self.case}"


class Signature(models.Model):
    """A specialist's name under a report's hash, given with their password or second factor."""

    report = models.ForeignKey(Report, models.PROTECT, related_name="signatures")
    place = models.PositiveSmallIntegerField(default=1)  # 1 or 2
    signer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # As they stood when it was given: a name may change, a signature not.
    signer_name = models.CharField(max_length=120)
    signer_organisation = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)  # of the report's content
    method = models.CharField(max_length=16)  # password, totp, recovery_codes
    at = models.DateTimeField()

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["report", "place"], name="signature_place_once"),
            models.UniqueConstraint(fields=["report", "signer"], name="signature_signer_once"),
            models.CheckConstraint(condition=Q(place__in=[1, 2]), name="signature_place_known"),
        ]

    def __str__(self) -> str:
        return f"{self.signer_name} under {self.report}"


class ReportReceipt(models.Model):
    """When a person of the referring organisation first opened a report."""

    report = models.ForeignKey(Report, models.PROTECT, related_name="receipts")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = [F("at").asc(), "pk"]
        constraints = [
            models.UniqueConstraint(fields=["report", "reader"], name="receipt_once"),
        ]

    def __str__(self) -> str:
        return f"{self.reader} read {self.report}"


class Feedback(models.Model):
    """Did the report answer the clinician's question? One answer a person, which they may change."""

    report = models.ForeignKey(Report, models.PROTECT, related_name="feedback")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    answered = models.CharField(max_length=8, choices=Answered)
    body = models.TextField(max_length=2000, blank=True)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "author"], name="feedback_once"),
            models.CheckConstraint(
                condition=Q(answered__in=Answered.values), name="feedback_answer_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author} on {self.report}: {self.answered}"


class CriticalResult(models.Model):
    """A rule of the organisation was hit: somebody must acknowledge it, or it escalates."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey("patients.Case", models.PROTECT, related_name="critical_results")
    report = models.ForeignKey(
        Report, models.PROTECT, null=True, blank=True, related_name="critical_results"
    )
    rule = models.CharField(max_length=48)
    finding = models.CharField(max_length=300)  # a sentence without the patient
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    raised_at = models.DateTimeField()
    escalate_at = models.DateTimeField()
    escalated_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        ordering = ["raised_at", "pk"]
        constraints = [
            # The same finding is raised once a case, also when the report is amended.
            models.UniqueConstraint(fields=["case", "rule"], name="critical_once_per_rule"),
            models.CheckConstraint(
                condition=Q(acknowledged_by__isnull=True, acknowledged_at__isnull=True)
                | Q(acknowledged_by__isnull=False, acknowledged_at__isnull=False),
                name="critical_acknowledged_by_somebody",
            ),
        ]
        indexes = [
            # The clock that escalates: what is still open, by when.
            models.Index(
                fields=["escalate_at"],
                condition=Q(acknowledged_at__isnull=True, escalated_at__isnull=True),
                name="critical_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case}: {self.rule}"
