"""The append-only, hash-chained record of who did what."""

from django.conf import settings
from django.db import models


class Outcome(models.TextChoices):
    DONE = "done", "Done"
    DENIED = "denied", "Denied"
    FAILED = "failed", "Failed"


class AuditEvent(models.Model):
    """One fact that happened. Rows are only ever inserted: a database trigger refuses the rest.

    ``hash`` is SHA-256 over the previous row's hash and this row's canonical JSON
    (``audit.chain``), so an edited, removed or inserted row breaks every later one.
    """

    sequence = models.BigIntegerField(unique=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=64)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.DONE)
    # Never enforced as a foreign key: the record must outlive what it speaks of.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
    )
    actor_name = models.CharField(max_length=254, blank=True)
    organisation_id = models.BigIntegerField(null=True, blank=True)
    object_type = models.CharField(max_length=32, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    case_id = models.UUIDField(null=True, blank=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=32, blank=True)
    data = models.JSONField(default=dict, blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["sequence"]
        indexes = [
            # Timeline of a case.
            models.Index(fields=["case_id", "sequence"], name="audit_case_timeline"),
            # What did this person do, newest first.
            models.Index(fields=["actor", "-sequence"], name="audit_by_actor"),
            # All denials, all sign-ins.
            models.Index(fields=["action", "-sequence"], name="audit_by_action"),
            # The audit page: from a day to a sequence number.
            models.Index(fields=["at"], name="audit_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=Outcome.values), name="audit_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action} {self.outcome}"
