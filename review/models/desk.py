"""What belongs to a person or an organisation rather than to a case: rules, keys, notices."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from review.choices import Label, MailState, NoticeKind
from review.querysets import NoticeQuerySet, OwnQuerySet


class ReadingPolicy(models.Model):
    """An organisation's rules from a moment on: ranges, flags, critical results, how it reads.

    Rows are added, never changed: a report names the one it was signed under. ``values`` are those
    of ``review.policy.Policy`` that differ from the house's defaults.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()  # within the organisation, from 1
    values = models.JSONField(default=dict)
    reason = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["organisation", "number"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "number"], name="policy_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}, rules {self.number}"


class DeskSettings(models.Model):
    """A specialist's own desk: keys (action or label -> key) and whether to go on by itself."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="desk")
    keys = models.JSONField(default=dict, blank=True)
    auto_advance = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"Desk of {self.user}"


class TextBlock(models.Model):
    """A sentence that a specialist uses often in comments."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="text_blocks")
    title = models.CharField(max_length=80)
    body = models.TextField(max_length=2000)

    objects = OwnQuerySet.as_manager()

    class Meta:
        ordering = ["title", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "title"], name="text_block_title_once"),
        ]

    def __str__(self) -> str:
        return self.title


class ReferenceCell(models.Model):
    """A signed cell that a reading organisation keeps as an example of its class."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    cell = models.ForeignKey("classifier.Cell", models.PROTECT, related_name="+")
    label = models.CharField(max_length=24, choices=Label)
    note = models.CharField(max_length=200, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["label", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "cell"], name="reference_cell_once"),
            models.CheckConstraint(
                condition=Q(label__in=Label.values), name="reference_label_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.cell}"


class CaseVisit(models.Model):
    """When a person last looked at a case: what came later is new to them."""

    case = models.ForeignKey("patients.Case", models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="visit_once")]

    def __str__(self) -> str:
        return f"{self.user} at {self.case}"


class Notice(models.Model):
    """One thing that one person should know. Holds no patient data: the case says the rest."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=24, choices=NoticeKind)
    case = models.ForeignKey(
        "patients.Case", models.PROTECT, null=True, blank=True, related_name="+"
    )
    # What it is about, as "report:ID": the same thing is told to a person once.
    key = models.CharField(max_length=120)
    # Keys of further things of the same kind and case that came while this was unread.
    gathered = models.JSONField(default=list, blank=True)
    count = models.PositiveIntegerField(default=1)  # of all of them
    # False for what a person wants by e-mail alone: no page shows it.
    on_screen = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)
    mail = models.CharField(max_length=8, choices=MailState, default=MailState.NONE)
    # WAITING: not before then. SENDING: taken by a mail run then.
    mail_at = models.DateTimeField(null=True, blank=True)
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    mail_error = models.CharField(max_length=120, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["recipient", "kind", "key"], name="notice_once"),
            models.CheckConstraint(
                condition=Q(kind__in=NoticeKind.values), name="notice_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(mail=MailState.SENT, mailed_at__isnull=False)
                | ~Q(mail=MailState.SENT) & Q(mailed_at__isnull=True),
                name="notice_mail_consistent",
            ),
            models.CheckConstraint(
                condition=~Q(mail__in=[MailState.WAITING, MailState.SENDING])
                | Q(mail_at__isnull=False),
                name="notice_mail_has_time",
            ),
        ]
        indexes = [
            # The bell: how many unread, and the newest.
            models.Index(fields=["recipient", "-created_at"], name="notice_by_recipient"),
            models.Index(
                fields=["recipient"],
                condition=Q(read_at__isnull=True, on_screen=True),
                name="notice_unread",
            ),
            # What the mail run has still to send, and what one that died left behind.
            models.Index(
                fields=["mail_at"],
                condition=Q(mail__in=[MailState.WAITING, MailState.SENDING]),
                name="notice_to_mail",
            ),
            # The operations page: what did not go out.
            models.Index(
                fields=["-mail_at"],
                condition=Q(mail__in=[MailState.FAILED, MailState.UNKNOWN]),
                name="notice_mail_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.kind}"


class NoticePreference(models.Model):
    """Whether a person wants one kind of notice on screen and by e-mail; absent means the default."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notice_preferences"
    )
    kind = models.CharField(max_length=24, choices=NoticeKind)
    on_screen = models.BooleanField(default=True)
    by_mail = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="notice_preference_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind}"
