"""Critical results: raised once, told at once, acknowledged by the clinic, or escalated once."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from audit.timeline import events_of
from review import hooks
from review.choices import MailState, NoticeKind
from review.models import CriticalResult, Notice
from review.notices.kinds import sentence
from review.notices.mail import mail_run
from review.policy import policy_of
from review.services.amending import amendment_begin
from review.services.critical import critical_acknowledge, critical_escalate, critical_raise
from review.services.policies import policy_set
from review.tasks import escalate_critical
from tests import factories
from tests.patients.conftest import shared_database, shared_people  # noqa: F401
from tests.patients.test_at_once import at_once, errors
from tests.review.conftest import read_case
from tests.review.signed import ready_to_sign, sign, signed_report

pytestmark = pytest.mark.django_db
LABELS = ["neutrophil", "lymphocyte"] * 5


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch):
    monkeypatch.setattr("review.notices.telling._ring", lambda: None)


@pytest.fixture
def report(people, case):
    """Signed with a blast in it, which the house's rules call critical."""
    return signed_report(people, case)


@pytest.fixture
def critical(report) -> CriticalResult:
    return CriticalResult.objects.get()


def told(kind: str) -> set:
    return {row.recipient for row in Notice.objects.filter(kind=kind)}


def overdue() -> None:
    CriticalResult.objects.update(escalate_at=timezone.now() - timedelta(seconds=1))


# Raising -------------------------------------------------------------------------------------------


def test_signing_raises_what_the_rules_call_critical_and_tells_the_clinician_at_once(
    people, case, report, critical
):
    assert "blast" in critical.finding.lower()
    assert (critical.case, critical.report, critical.raised_by) == (
        case, report, people.specialist,
    )  # fmt: skip
    minutes = policy_of(people.clinic).escalate_after
    assert critical.escalate_at - critical.raised_at == timedelta(minutes=minutes)
    row = Notice.objects.get(kind=NoticeKind.CRITICAL)
    assert row.recipient == people.clinician
    assert sentence(row) == f"Critical result in {case.number}. Acknowledge it now."
    assert row.mail == MailState.WAITING
    assert row.mail_at <= timezone.now()


def test_the_mail_names_the_case_and_neither_patient_nor_finding(
    people, case, critical, mailoutbox
):
    mail_run()
    (message,) = [one for one in mailoutbox if one.to == [people.clinician.email]]
    assert message.subject.startswith(f"Critical result in {case.number}")
    for secret in (case.patient.family_name, case.patient.mrn, "blast", critical.finding):
        assert secret.lower() not in (message.subject + message.body).lower()


def test_a_report_without_a_critical_finding_raises_nothing(people):
    case = read_case(people.clinician, LABELS)
    signed_report(people, case)
    assert not CriticalResult.objects.exists()
    assert told(NoticeKind.CRITICAL) == set()


def test_the_referring_organisations_rules_decide_and_when_it_escalates(people, case):
    policy_set(
        actor=people.administrator,
        organisation=people.clinic,
        values={"escalate_after": 5},
        reason="A small ward.",
    )
    signed_report(people, case)
    critical = CriticalResult.objects.get()
    assert critical.escalate_at - critical.raised_at == timedelta(minutes=5)


def test_raised_again_or_found_again_by_an_amendment_it_is_raised_once(people, case, report):
    assert critical_raise(report=report) == []
    hooks.report_final(report=report)
    reading = amendment_begin(actor=people.specialist, case=case)
    sign(reading, people.specialist, comment="One blast, seen again.", reason="A slip.")
    assert CriticalResult.objects.count() == 1
    assert Notice.objects.filter(kind=NoticeKind.CRITICAL).count() == 1
    assert AuditEvent.objects.filter(action="critical.raised").count() == 1


def test_where_the_clinician_has_left_everybody_of_the_clinic_is_told(people, case):
    people.clinician.is_active = False
    people.clinician.save(update_fields=["is_active"])
    signed_report(people, case)
    assert told(NoticeKind.CRITICAL) == {people.colleague}


def test_nothing_is_raised_when_signing_fails(people, case, monkeypatch):
    reading = ready_to_sign(people, case)

    def fails(*_args, **_more):
        raise RuntimeError

    monkeypatch.setattr("review.notices.events.report_signed", fails)
    with pytest.raises(RuntimeError):
        sign(reading, people.specialist)
    assert not CriticalResult.objects.exists()
    assert not Notice.objects.filter(kind=NoticeKind.CRITICAL).exists()


# Acknowledging -------------------------------------------------------------------------------------


def test_it_is_acknowledged_once_by_name_and_time_and_the_second_is_quiet(people, case, critical):
    critical_acknowledge(actor=people.colleague, critical=critical)
    first = CriticalResult.objects.get()
    critical_acknowledge(actor=people.clinician, critical=critical)
    second = CriticalResult.objects.get()
    assert first.acknowledged_by == second.acknowledged_by == people.colleague
    assert first.acknowledged_at == second.acknowledged_at
    assert AuditEvent.objects.filter(action="critical.acknowledged").count() == 1
    assert not Notice.objects.filter(kind=NoticeKind.CRITICAL).unread().exists()
    said = [row.what for row in events_of(case.public_id)]
    assert said.index("raised a critical result") < said.index("acknowledged a critical result")


@pytest.mark.usefixtures("shared_database")
def test_ten_who_acknowledge_at_the_same_moment_are_one(shared_people):  # noqa: F811
    people = shared_people
    signed_report(people, read_case(people.clinician, LABELS, abstained=[9]))
    critical = CriticalResult.objects.get()
    got = at_once(
        lambda n: critical_acknowledge(
            actor=(people.clinician, people.colleague)[n % 2], critical=critical
        ),
        times=10,
    )
    assert errors(got) == []
    assert len({one.acknowledged_by_id for one in got}) == 1
    assert AuditEvent.objects.filter(action="critical.acknowledged").count() == 1


# Escalating ----------------------------------------------------------------------------------------


def test_in_time_nothing_escalates(critical):
    assert critical_escalate() == 0


def test_unacknowledged_it_goes_to_every_clinician_of_the_clinic_and_to_the_signer_once(
    people, case, critical
):
    overdue()
    assert critical_escalate() == 1
    for _ in range(3):
        escalate_critical()
    assert told(NoticeKind.CRITICAL_ESCALATED) == {
        people.clinician, people.colleague, people.specialist,
    }  # fmt: skip
    assert Notice.objects.filter(kind=NoticeKind.CRITICAL_ESCALATED).count() == 3
    row = Notice.objects.filter(kind=NoticeKind.CRITICAL_ESCALATED).first()
    assert sentence(row) == f"Nobody has acknowledged the critical result in {case.number}."
    assert row.mail == MailState.WAITING
    assert AuditEvent.objects.filter(action="critical.escalated").count() == 1
    assert "a critical result that nobody acknowledged was passed on to the clinic" in [
        event.what for event in events_of(case.public_id)
    ]


def test_what_was_acknowledged_does_not_escalate(people, critical):
    critical_acknowledge(actor=people.clinician, critical=critical)
    overdue()
    assert critical_escalate() == 0


def test_a_result_whose_case_fails_leaves_the_others_and_comes_again(people, case, monkeypatch):
    signed_report(people, case)
    overdue()
    monkeypatch.setattr("review.services.critical._tell", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        critical_escalate()
    assert CriticalResult.objects.get().escalated_at is None, "rolled back with its notices"
    monkeypatch.undo()
    assert critical_escalate() == 1


@pytest.mark.usefixtures("shared_database")
def test_two_beats_at_the_same_moment_escalate_once(shared_people):  # noqa: F811
    people = shared_people
    for _ in range(3):
        signed_report(people, read_case(people.clinician, LABELS, abstained=[9]))
    overdue()
    got = at_once(lambda _: critical_escalate(), times=6)
    assert errors(got) == []
    assert sum(got) == 3
    assert AuditEvent.objects.filter(action="critical.escalated").count() == 3
    # Of three cases to two clinicians and the signer.
    assert Notice.objects.filter(kind=NoticeKind.CRITICAL_ESCALATED).count() == 9


# Pages ---------------------------------------------------------------------------------------------


def acknowledge(client, case, *results):
    return client.post(
        reverse("review:critical-acknowledge", args=[case.public_id]),
        {"critical": [str(getattr(one, "public_id", one)) for one in results]},
        follow=True,
    )


def test_the_clinic_sees_a_banner_until_somebody_presses_its_one_button(
    people, case, critical, sign_in
):
    client = sign_in(people.colleague)
    page = client.get(case.get_absolute_url()).content.decode()
    assert 'role="alert"' in page
    assert "Acknowledge this critical result" in page
    page = acknowledge(client, case, critical).content.decode()
    assert "Acknowledge this critical result" not in page
    assert f"Acknowledged by {people.colleague}" in page
    critical.refresh_from_db()
    assert critical.acknowledged_by == people.colleague


def test_the_specialist_sees_how_it_stands_and_cannot_acknowledge(people, case, critical, sign_in):
    client = sign_in(people.specialist)
    page = client.get(case.get_absolute_url()).content.decode()
    assert "Nobody of the clinic has acknowledged it yet." in page
    assert "Acknowledge this" not in page
    assert acknowledge(client, case, critical).status_code == 403
    assert acknowledge(sign_in(people.other_clinician), case, critical).status_code == 404
    critical.refresh_from_db()
    assert critical.acknowledged_at is None


def test_only_what_the_person_was_shown_is_acknowledged(people, case, report, critical, sign_in):
    later = CriticalResult.objects.create(
        case=case, report=report, rule="later", finding="Raised while the page was open.",
        raised_by=people.specialist, raised_at=timezone.now(), escalate_at=timezone.now(),
    )  # fmt: skip
    page = acknowledge(sign_in(people.clinician), case, critical).content.decode()
    assert "A critical result of this case is still open" in page
    later.refresh_from_db()
    assert later.acknowledged_at is None


@pytest.mark.parametrize("nonsense", ["", "x", "\x00", "00000000-0000-0000-0000-000000000000"])
def test_nonsense_acknowledges_nothing(people, case, critical, sign_in, nonsense):
    assert acknowledge(sign_in(people.clinician), case, nonsense).status_code == 200
    critical.refresh_from_db()
    assert critical.acknowledged_at is None


def test_another_cases_result_is_not_acknowledged_by_this_ones_button(people, critical, sign_in):
    other = read_case(people.clinician, LABELS)
    acknowledge(sign_in(people.clinician), other, critical)
    critical.refresh_from_db()
    assert critical.acknowledged_at is None


def test_the_list_is_of_the_clinic_and_of_whoever_signed(people, case, critical, sign_in):
    def listed(user) -> list[CriticalResult]:
        return sign_in(user).get("/critical/").context["results"]

    colleague = factories.make_user("specialist", people.centre)
    assert listed(people.colleague) == [critical]
    assert listed(people.specialist) == [critical]
    assert listed(colleague) == listed(people.other_clinician) == []
    assert sign_in(people.administrator).get("/critical/").status_code == 403
    critical_acknowledge(actor=people.clinician, critical=critical)
    assert listed(people.clinician) == []
