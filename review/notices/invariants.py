"""I8: nobody is told the same thing twice. Part of ``manage.py verify_invariants``."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import groupby

from django.db.models import Q
from django.utils import timezone

from audit.models import AuditEvent, Outcome
from classifier.invariants import Finding
from review.choices import MailState
from review.models import CriticalResult, Notice

Tick = Callable[[], None]
STUCK_AFTER = timedelta(hours=1)  # of a mail; the sweep gives it up after minutes


def told_once(files: bool, tick: Tick) -> Finding:
    """Every notice, every mail about them and every escalation of a critical result happened once."""
    finding = Finding("I8", "Nobody was told the same thing twice, on screen or by e-mail")
    for fault in [*_notices(finding, tick), *_mails(), *_escalations()]:
        finding.breaks(fault)
    return finding


def _notices(finding: Finding, tick: Tick) -> Iterator[str]:
    rows = Notice.objects.order_by("recipient", "kind", "pk").iterator(chunk_size=500)
    for (recipient, kind), theirs in groupby(rows, key=lambda row: (row.recipient_id, row.kind)):
        keys: Counter[str] = Counter()
        for row in theirs:
            finding.checked += 1
            keys.update([row.key, *row.gathered])
            if row.count != 1 + len(row.gathered):
                yield f"notice {row.public_id}: says {row.count}, holds {1 + len(row.gathered)}"
            tick()
        for key, number in keys.items():
            if number > 1:
                yield f"person {recipient}: told {number} times of {kind} {key}"


def _mails() -> Iterator[str]:
    """The append-only record of what went out against the notices that say so."""
    sent: Counter[str] = Counter()
    for data in AuditEvent.objects.filter(action="notice.mailed", outcome=Outcome.DONE).values_list(
        "data", flat=True
    ):
        sent.update(data["notices"])
    for notice, number in sent.items():
        if number > 1:
            yield f"notice {notice}: mailed {number} times"
    mailed = Notice.objects.filter(mail=MailState.SENT)
    for public_id in mailed.values_list("public_id", flat=True).iterator(chunk_size=500):
        if not sent[str(public_id)]:
            yield f"notice {public_id}: said to be mailed, and no event tells of it"
    stuck = Q(mail=MailState.SENDING, mail_at__lt=timezone.now() - STUCK_AFTER)
    for public_id in Notice.objects.filter(stuck).values_list("public_id", flat=True):
        yield f"notice {public_id}: being mailed without an end"


def _escalations() -> Iterator[str]:
    told = Counter(
        AuditEvent.objects.filter(action="critical.escalated").values_list("object_id", flat=True)
    )
    escalated = CriticalResult.objects.filter(escalated_at__isnull=False)
    for public_id in escalated.values_list("public_id", flat=True):
        if told[str(public_id)] != 1:
            yield f"critical result {public_id}: escalated, and {told[str(public_id)]} events tell of it"
