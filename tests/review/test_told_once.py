"""I8: the invariant finds whoever was told twice."""

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from audit import triggers
from audit.models import AuditEvent
from audit.services import record
from classifier.invariants import verify
from review.choices import MailState, NoticeKind
from review.models import CriticalResult, Notice
from review.notices import notify
from review.notices.invariants import told_once
from review.notices.mail import mail_run
from review.services.critical import critical_escalate
from tests.review.signed import signed_report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch):
    monkeypatch.setattr("review.notices.telling._ring", lambda: None)


@pytest.fixture
def told(people, case):
    """A signed, escalated, critical case, with everything mailed."""
    signed_report(people, case)
    CriticalResult.objects.update(escalate_at=timezone.now())
    critical_escalate()
    mail_run()
    assert mail.outbox
    return case


def faults() -> list[str]:
    return told_once(True, lambda: None).examples


def test_it_holds_after_ordinary_work_and_is_part_of_the_check(told):
    assert faults() == []
    finding = next(finding for finding in verify(files=False) if finding.code == "I8")
    assert (finding.broken, finding.checked) == (0, Notice.objects.count())


def test_a_thing_told_twice_is_found(people, case):
    for key in ("comment:1", "comment:2"):
        notify(kind=NoticeKind.COMMENT, recipients=[people.clinician], key=key, case=case)
    Notice.objects.update(gathered=["comment:2", "comment:2"])
    assert any("told 2 times of comment comment:2" in fault for fault in faults())
    assert any("says 2, holds 3" in fault for fault in faults())


def test_a_mail_sent_twice_is_found(told):
    row = Notice.objects.filter(mail=MailState.SENT).first()
    record(action="notice.mailed", notices=[str(row.public_id)])
    assert faults() == [f"notice {row.public_id}: mailed 2 times"]


def test_a_mail_that_no_event_tells_of_is_found(told):
    triggers.remove(connection)
    AuditEvent.objects.filter(action="notice.mailed").delete()
    triggers.install(connection)
    assert all("no event tells of it" in fault for fault in faults())
    assert faults()


def test_a_mail_without_an_end_is_found(told):
    row = Notice.objects.filter(mail=MailState.SENT).first()
    Notice.objects.filter(pk=row.pk).update(
        mail=MailState.SENDING, mailed_at=None, mail_at=timezone.now() - timezone.timedelta(hours=2)
    )
    assert faults() == [f"notice {row.public_id}: being mailed without an end"]


def test_a_result_escalated_twice_is_found(told):
    result = CriticalResult.objects.get()
    record(action="critical.escalated", obj=result, case_id=told.public_id)
    assert faults() == [f"critical result {result.public_id}: escalated, and 2 events tell of it"]
