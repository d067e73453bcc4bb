"""Mail about notices: one a person and time, at most once, and nothing of a patient in it."""

import os
import signal
import smtplib
import threading
from datetime import date, timedelta
from email import message_from_bytes
from types import SimpleNamespace

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.filebased import EmailBackend as FileBackend
from django.core.mail.backends.locmem import EmailBackend as MemoryBackend
from django.db import connections
from django.utils import timezone

from audit.models import AuditEvent
from patients.choices import CaseStatus
from patients.models import Case
from patients.services import case_move, comment_add
from review.choices import MailState, NoticeKind
from review.models import Notice
from review.notices import mail as mailing
from review.notices import notify
from review.notices.kinds import Wanted
from review.notices.mail import mail_facts, mail_run
from review.notices.telling import preferences_set
from review.tasks import mail_notices
from tests import factories
from tests.patients.conftest import shared_database, shared_people  # noqa: F401
from tests.patients.test_at_once import at_once, errors
from tests.review.conftest import read_case
from tests.review.signed import signed_report

pytestmark = pytest.mark.django_db
HERE = __name__
CANARY, CANARY_MRN, CANARY_WORDS = "Canarybird", "CANARY-0042", "Canary question of the ward"


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch):
    """Mail is sent when the test says so."""
    monkeypatch.setattr("review.notices.telling._ring", lambda: None)


def signed_notice(person, case, key="report:1") -> Notice:
    notify(kind=NoticeKind.REPORT_SIGNED, recipients=[person], key=key, case=case)
    return Notice.objects.get(recipient=person, key=key)


def pass_time(**fields) -> None:
    """As if that much time had gone by for all mail."""
    past = timedelta(**fields)
    for row in Notice.objects.filter(mail_at__isnull=False):
        Notice.objects.filter(pk=row.pk).update(mail_at=row.mail_at - past)


def states() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("mail", flat=True))


# What it says --------------------------------------------------------------------------------------


def test_mail_says_which_case_and_where_and_nothing_of_the_patient(people, settings):
    settings.BASE_URL = "https://heme.example/"
    patient = factories.make_patient(
        people.clinic, family_name=CANARY, given_name="Yellow", mrn=CANARY_MRN,
        birth_date=date(1961, 3, 9),
    )  # fmt: skip
    case = read_case(
        people.clinician, ["neutrophil"] * 3, abstained=[2], patient=patient,
        clinical_question=CANARY_WORDS, site=f"{CANARY} ward",
    )  # fmt: skip
    comment_add(actor=people.specialist, case=case, body=f"{CANARY} has blasts.")
    for kind in NoticeKind.values:
        for person in (people.clinician, people.specialist):
            notify(kind=kind, recipients=[person], key=f"any:{kind}", case=case, mail=True)
    signed_report(people, case)
    pass_time(hours=1)
    assert mail_run().sent == 2
    assert Notice.objects.filter(mail=MailState.SENT).count() >= len(NoticeKind.values)
    for message in mail.outbox:
        raw = message.message().as_string() + message.subject + message.body
        for secret in (CANARY, "Yellow", CANARY_MRN, "1961", CANARY_WORDS, "ward", "blast"):
            assert secret.lower() not in raw.lower(), secret
        assert case.number in message.body
        assert "https://heme.example/notices/" in message.body
        assert "heme.example//" not in message.body


def test_one_notice_is_its_own_subject_and_several_say_how_many(people, case):
    signed_notice(people.clinician, case)
    mail_run()
    assert mail.outbox[0].subject == f"The report of {case.number} is signed"
    for key in ("critical:1", "critical:2"):
        notify(kind=NoticeKind.CRITICAL, recipients=[people.clinician], key=key, case=case)
    for key in ("report:2", "report:3"):
        signed_notice(people.clinician, case, key)
    mail_run()
    assert mail.outbox[1].subject == f"2 critical results in {case.number}, and 2 more notices"
    message = mail.outbox[1].message()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == people.clinician.email


def test_cases_that_become_ready_within_minutes_are_one_mail(people):
    preferences_set(user=people.specialist, wanted={NoticeKind.CASE_READY: Wanted(True, True)})
    for _ in range(3):
        case = read_case(people.clinician, ["monocyte"])
        Case.objects.filter(pk=case.pk).update(status=CaseStatus.CLASSIFYING)
        case_move(case=case, to=CaseStatus.READY)
        assert mail_run().sent == 0, "it waits for what comes next"
    first = Notice.objects.filter(kind=NoticeKind.CASE_READY).earliest("pk")
    Notice.objects.filter(pk=first.pk).update(mail_at=timezone.now())
    assert mail_run().sent == 1
    assert mail.outbox[0].body.count("is ready for review") == 3


def test_what_was_read_on_the_screen_needs_no_mail_but_a_critical_result_does(people, case):
    signed_notice(people.clinician, case)
    notify(kind=NoticeKind.CRITICAL, recipients=[people.clinician], key="critical:1", case=case)
    Notice.objects.update(read_at=timezone.now())
    mail_run()
    assert "Critical result" in mail.outbox[0].body
    assert "is signed" not in mail.outbox[0].body
    assert states() == [MailState.NONE, MailState.SENT]


def test_somebody_who_left_gets_none(people, case):
    signed_notice(people.clinician, case)
    people.clinic.is_active = False
    people.clinic.save(update_fields=["is_active"])
    assert mail_run().sent == 0
    assert (states(), mail.outbox) == ([MailState.NONE], [])


# At most once --------------------------------------------------------------------------------------


def test_the_task_run_again_sends_nothing_again(people, case):
    signed_notice(people.clinician, case)
    for _ in range(3):
        mail_notices()
    assert len(mail.outbox) == 1
    row = Notice.objects.get()
    assert (row.mail, row.mail_attempts) == (MailState.SENT, 1)
    assert row.mailed_at is not None
    assert AuditEvent.objects.filter(action="notice.mailed").count() == 1


@pytest.mark.usefixtures("shared_database")
def test_two_and_more_at_the_same_moment_send_each_once(shared_people):  # noqa: F811
    case = read_case(shared_people.clinician, ["monocyte"])
    people = [factories.make_user("clinician", shared_people.clinic) for _ in range(5)]
    for person in people:
        for key in ("report:1", "report:2"):
            signed_notice(person, case, key)
    got = at_once(lambda _: mail_run(), times=8)
    assert errors(got) == []
    assert sorted(message.to[0] for message in mail.outbox) == sorted(p.email for p in people)
    assert set(states()) == {MailState.SENT}
    assert set(Notice.objects.values_list("mail_attempts", flat=True)) == {1}


class Meeting(MemoryBackend):
    """A mail server at which two runs meet: each waits until the other has its connection."""

    barrier = threading.Barrier(2)

    def open(self) -> bool:
        self.barrier.wait(timeout=30)
        return True


@pytest.mark.usefixtures("shared_database")
def test_two_that_both_found_the_same_person_send_one_mail(shared_people, settings):  # noqa: F811
    settings.EMAIL_BACKEND = f"{HERE}.Meeting"
    signed_notice(shared_people.clinician, read_case(shared_people.clinician, ["monocyte"]))
    got = at_once(lambda _: mail_run(), times=2)
    assert errors(got) == []
    assert sorted(run.sent for run in got) == [0, 1]
    assert len(mail.outbox) == 1


class Dying(FileBackend):
    """The server takes the mail, and then the worker is no more."""

    def send_messages(self, messages):
        super().send_messages(messages)
        os.kill(os.getpid(), signal.SIGKILL)


def killed_while_sending() -> int:
    """The signal that ended a process which ran the mail task."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            mail_notices()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.usefixtures("shared_database")
def test_kill_9_between_sending_and_writing_it_down_sends_nothing_twice_and_is_seen(
    shared_people,  # noqa: F811
    settings,
    tmp_path,
):
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    signed_notice(shared_people.clinician, read_case(shared_people.clinician, ["monocyte"]))
    settings.EMAIL_BACKEND = f"{HERE}.Dying"
    assert killed_while_sending() == -signal.SIGKILL
    assert states() == [MailState.SENDING]

    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    mail_run()
    pass_time(minutes=6)
    assert mail_run().unknown == 1
    mail_run()
    assert states() == [MailState.UNKNOWN]
    sent = [path.read_bytes() for path in (tmp_path / "mail").iterdir()]
    assert len(sent) == 1
    assert message_from_bytes(sent[0])["To"] == shared_people.clinician.email
    (row,) = mail_facts().failed
    assert row.mail_error == "The worker stopped while the mail was being sent."


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.usefixtures("shared_database")
def test_kill_9_before_anything_is_taken_leaves_it_to_the_next_run(
    shared_people,  # noqa: F811
    settings,
):
    signed_notice(shared_people.clinician, read_case(shared_people.clinician, ["monocyte"]))
    settings.EMAIL_BACKEND = f"{HERE}.DyingFirst"
    assert killed_while_sending() == -signal.SIGKILL
    assert states() == [MailState.WAITING]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert mail_run().sent == 1


class DyingFirst(BaseEmailBackend):
    def open(self):
        os.kill(os.getpid(), signal.SIGKILL)


# A mail server that says no ------------------------------------------------------------------------


class Refusing(BaseEmailBackend):
    """Says what the test wants, as often as it wants; then takes everything."""

    answers: list[Exception] = []
    taken: list[str] = []
    closed: Exception | None = None

    def open(self):
        if self.closed is not None:
            raise self.closed

    def send_messages(self, messages):
        if self.answers:
            raise self.answers.pop(0)
        self.taken.extend(message.to[0] for message in messages)


@pytest.fixture
def server(settings, monkeypatch):
    settings.EMAIL_BACKEND = f"{HERE}.Refusing"
    for name, value in (("answers", []), ("taken", []), ("closed", None)):
        monkeypatch.setattr(Refusing, name, value)
    return Refusing


def busy() -> Exception:
    return smtplib.SMTPDataError(451, b"Try again later")


def test_a_server_that_is_busy_is_asked_again_later_and_gets_the_mail_once(people, case, server):
    signed_notice(people.clinician, case)
    server.answers += [busy(), smtplib.SMTPSenderRefused(421, b"Too many", "x@example.org")]
    assert mail_run().failed == 1
    assert mail_run() == mailing.Run(), "not at once"
    pass_time(minutes=1)
    assert mail_run().failed == 1
    pass_time(minutes=5)
    assert mail_run().sent == 1
    assert server.taken == [people.clinician.email]
    row = Notice.objects.get()
    assert (row.mail, row.mail_attempts, row.mail_error) == (MailState.SENT, 3, "")


def test_after_five_refusals_it_is_given_up_and_shown_to_administrators(
    people, case, server, client
):
    signed_notice(people.clinician, case)
    server.answers += [busy() for _ in range(9)]
    for _ in range(9):
        mail_run()
        pass_time(hours=2)
    assert len(server.answers) == 4
    assert states() == [MailState.FAILED]
    Notice.objects.update(mail_at=timezone.now())
    client.force_login(people.administrator)
    text = client.get("/operations/").content.decode()
    assert people.clinician.email in text
    assert "The mail server refused it (code 451)." in text
    assert case.number not in text


@pytest.mark.parametrize(
    "refusal",
    [
        smtplib.SMTPRecipientsRefused({"x@example.org": (550, b"No such user")}),
        smtplib.SMTPDataError(554, b"Looks like spam"),
    ],
    ids=["recipient", "content"],
)
def test_a_refusal_for_good_is_not_tried_again(people, case, server, refusal):
    signed_notice(people.clinician, case)
    server.answers.append(refusal)
    assert mail_run().failed == 1
    pass_time(hours=2)
    assert mail_run() == mailing.Run()
    assert states() == [MailState.FAILED]


@pytest.mark.parametrize(
    "break_", [smtplib.SMTPServerDisconnected("gone"), TimeoutError(), ConnectionResetError()]
)
def test_a_line_that_breaks_after_handing_over_is_perhaps_sent_and_never_again(
    people, case, server, break_
):
    signed_notice(people.clinician, case)
    server.answers.append(break_)
    assert mail_run().unknown == 1
    pass_time(hours=2)
    mail_run()
    assert (states(), server.taken) == ([MailState.UNKNOWN], [])


@pytest.mark.parametrize(
    "closed", [ConnectionRefusedError(), smtplib.SMTPAuthenticationError(535, b"Who are you?")]
)
def test_a_server_that_is_not_reached_costs_no_attempt_and_is_noticed(
    people, case, server, closed, client
):
    signed_notice(people.clinician, case)
    server.closed = closed
    for _ in range(20):
        assert mail_run() == mailing.Run()
    assert (states(), Notice.objects.get().mail_attempts) == ([MailState.WAITING], 0)
    pass_time(minutes=16)
    client.force_login(people.administrator)
    assert "1 notice should have gone out" in client.get("/operations/").content.decode()
    server.closed = None
    assert mail_run().sent == 1


def test_one_persons_refusal_does_not_hold_up_the_next(people, case, server):
    signed_notice(people.clinician, case)
    Notice.objects.update(mail_at=timezone.now() - timedelta(minutes=1))
    signed_notice(people.colleague, case)
    server.answers.append(busy())
    run = mail_run()
    assert (run.failed, run.sent) == (1, 1)
    assert server.taken == [people.colleague.email]


# The bell ------------------------------------------------------------------------------------------


def test_what_is_urgent_rings_after_commit_and_what_can_wait_does_not(
    people, case, monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    monkeypatch.setattr("review.notices.telling._ring", lambda: rung.append(1))
    with django_capture_on_commit_callbacks(execute=True):
        comment_add(actor=people.specialist, case=case, body="Seen.")
    assert rung == []
    with django_capture_on_commit_callbacks(execute=True):
        signed_notice(people.clinician, case)
        assert rung == []
    assert rung == [1]


def test_a_broker_that_is_down_costs_the_notice_nothing(people, case, monkeypatch):
    from classifier import dispatch

    class Down:
        def __enter__(self):
            raise OSError("down")

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(dispatch, "_Producer", Down)
    monkeypatch.setattr(dispatch, "_silent_until", 0.0)
    assert dispatch.ring(SimpleNamespace()) is False
    signed_notice(people.clinician, case)
    assert mail_run().sent == 1
