"""E-mail about notices: everything that waits for one person goes out as one mail, at most once.

**Never twice, rather than never lost.** A mail server cannot be asked whether it took a mail, so a
worker that dies between handing one over and writing that down leaves a doubt. We resolve it in
favour of "sent": what has the doubt is never sent again by itself. Nothing is lost by that, since
the notice itself stands on the screen whether or not its e-mail came, and a critical result that
nobody acknowledges escalates in a notice of its own.

So each row goes WAITING -> SENDING by one conditional update, committed before the mail server
hears of it: two runs at the same moment share the rows out between them. Then

- SENT: the server took it.
- WAITING again, later: the server said no, or said so for now (4xx). After ``ATTEMPTS``, or when it
  said no for good (5xx): FAILED.
- UNKNOWN: the line broke after the mail was handed over, or the worker died. ``recover`` finds the
  latter by their age. Administrators see FAILED and UNKNOWN on the operations page.

A server that cannot be reached at all costs nobody an attempt: the connection is made first.
"""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import F, Min
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.models import Outcome
from audit.services import record
from review.choices import MailState
from review.models import Notice
from review.notices.kinds import KINDS, sentence

log = logging.getLogger(__name__)

ATTEMPTS = 5
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=20), timedelta(hours=1))
LOST_AFTER = timedelta(minutes=5)  # a run ends within a minute (telemed.celery)
RUN_SECONDS = 20.0  # then the next run goes on: work on cases waits behind this one
PEOPLE = 100  # in one run


@dataclass
class Run:
    """What one run came to, in e-mails."""

    sent: int = 0
    failed: int = 0
    unknown: int = 0


def mail_run() -> Run:
    """Send what is due. Safe to run twice, and at the same time."""
    run = Run(unknown=recover())
    people = list(
        User.objects.filter(notices__mail=MailState.WAITING, notices__mail_at__lte=timezone.now())
        .annotate(since=Min("notices__mail_at"))
        .select_related("organisation")
        .order_by("since")[:PEOPLE]
    )
    deadline = time.monotonic() + RUN_SECONDS
    for person in people:
        if time.monotonic() > deadline or not _mail(person, run):
            break
    return run


def recover() -> int:
    """Rows that a run took and never finished: nobody knows whether their mail went out."""
    return Notice.objects.filter(
        mail=MailState.SENDING, mail_at__lt=timezone.now() - LOST_AFTER
    ).update(mail=MailState.UNKNOWN, mail_error="The worker stopped while the mail was being sent.")


def _mail(person: User, run: Run) -> bool:
    """One person's mail; False where no further one has a chance now."""
    connection = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        log.warning("the mail server was not reached (%s): mail waits", type(error).__name__)
        return False
    try:
        rows = claim(person=person)
        if rows:
            _send(person, rows, connection, run)
    finally:
        _close(connection)
    return True


@transaction.atomic
def claim(*, person: User) -> list[Notice]:
    """Take everything that waits for this person, if any of it is due; the rows are then ours alone.

    What was read on the screen meanwhile needs no mail any more, nor does a person who left.
    """
    now = timezone.now()
    waiting = Notice.objects.filter(recipient=person, mail=MailState.WAITING)
    # Rows that another run is taking are that run's: waiting for them could end in a deadlock.
    free = waiting.select_for_update(of=("self",), skip_locked=True)
    rows = list(free.select_related("case").order_by("pk"))
    active = person.is_active and person.organisation.is_active
    moot = [row.pk for row in rows if not active or (row.read_at and not KINDS[row.kind].always)]
    waiting.filter(pk__in=moot).update(mail=MailState.NONE, mail_at=None)
    rows = [row for row in rows if row.pk not in moot]
    if not any(row.mail_at and row.mail_at <= now for row in rows):
        return []
    ours = waiting.filter(pk__in=[row.pk for row in rows]).update(
        mail=MailState.SENDING, mail_at=now, mail_attempts=F("mail_attempts") + 1
    )
    return rows if ours == len(rows) else []


def _send(person: User, rows: list[Notice], connection: Any, run: Run) -> None:
    message = _message(person, rows, connection)
    try:
        connection.send_messages([message])
    except (SMTPResponseException, SMTPRecipientsRefused) as error:
        run.failed += 1
        _refused(rows, error)
    except (OSError, SMTPException) as error:
        run.unknown += 1
        _finish(rows, MailState.UNKNOWN, error=f"The line broke: {type(error).__name__}.")
    else:
        run.sent += 1
        _finish(rows, MailState.SENT)


def _message(person: User, rows: Sequence[Notice], connection: Any) -> EmailMessage:
    base = settings.BASE_URL.rstrip("/")
    urgent_first = sorted(rows, key=lambda row: (list(KINDS).index(row.kind), row.created_at))
    lines = [
        (sentence(row), base + reverse("review:notice", args=[row.public_id]))
        for row in urgent_first
    ]
    first = lines[0][0].split(". ")[0].rstrip(".")
    more = len(lines) - 1
    subject = first + (f", and {more} more {'notice' if more == 1 else 'notices'}" if more else "")
    body = render_to_string(
        "review/email/notices.txt",
        {
            "person": person,
            "lines": lines,
            "preferences": base + reverse("review:notice-preferences"),
        },
    )
    # The same rows make the same identity, by which mail servers and programs know a copy.
    digest = hashlib.sha256("".join(sorted(str(row.public_id) for row in rows)).encode())
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"
    return EmailMessage(
        subject=subject,
        body=body,
        to=[person.email],
        connection=connection,
        headers={
            "Message-ID": f"<notices.{digest.hexdigest()[:40]}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )


def _refused(rows: list[Notice], error: SMTPResponseException | SMTPRecipientsRefused) -> None:
    """The server said no, so nothing went out: again later, or never."""
    if isinstance(error, SMTPRecipientsRefused):
        code = next((int(answer[0]) for answer in error.recipients.values()), 0)
    else:
        code = int(error.smtp_code)
    said = f"The mail server refused it (code {code})."
    for row in rows:
        attempts = row.mail_attempts + 1
        if code >= 500 or attempts >= ATTEMPTS:
            _finish([row], MailState.FAILED, error=said)
        else:
            Notice.objects.filter(pk=row.pk, mail=MailState.SENDING).update(
                mail=MailState.WAITING,
                mail_at=timezone.now() + PAUSES[attempts - 1],
                mail_error=said,
            )


@transaction.atomic
def _finish(rows: list[Notice], state: str, *, error: str = "") -> None:
    """Only rows that are still ours: ``recover`` may have given this run up."""
    Notice.objects.filter(pk__in=[row.pk for row in rows], mail=MailState.SENDING).update(
        mail=state,
        mail_error=error,
        mailed_at=timezone.now() if state == MailState.SENT else None,
    )
    record(
        action="notice.mailed",
        outcome=Outcome.DONE if state == MailState.SENT else Outcome.FAILED,
        notices=[str(row.public_id) for row in rows],
    )
    if error:
        log.error("mail about %d notices: %s", len(rows), error)


def _close(connection: Any) -> None:
    try:
        connection.close()
    except (OSError, SMTPException) as error:  # after a refusal the server may have hung up
        log.debug("closing the mail server's connection: %s", type(error).__name__)


@dataclass(frozen=True)
class MailFacts:
    """For the operations page. Who and why; never about which case."""

    waiting: int
    overdue: int  # waiting for more than a quarter of an hour longer than they should
    failed: list[Notice]  # the latest
    failed_lately: int  # within a week


def mail_facts() -> MailFacts:
    now = timezone.now()
    waiting = Notice.objects.filter(mail=MailState.WAITING)
    failed = Notice.objects.filter(mail__in=[MailState.FAILED, MailState.UNKNOWN])
    return MailFacts(
        waiting=waiting.count(),
        overdue=waiting.filter(mail_at__lt=now - timedelta(minutes=15)).count(),
        failed=list(failed.select_related("recipient").order_by("-mail_at")[:10]),
        failed_lately=failed.filter(mail_at__gt=now - timedelta(days=7)).count(),
    )
