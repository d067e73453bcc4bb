"""Notices: told once, to whom it concerns and who wants it, gathered, read."""

import re

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ReadingGrant, Role
from classifier.attempts import attempt_failed, lock_cases, settle_cases
from classifier.choices import PredictionState
from classifier.models import Prediction
from patients.choices import CaseStatus
from patients.models import Case
from patients.services import case_hand_over, case_move, comment_add
from review import hooks
from review.choices import MailState, NoticeKind
from review.models import Notice, NoticePreference
from review.notices import notify
from review.notices.kinds import KINDS, Wanted, kinds_of, sentence
from review.notices.telling import preferences_of, preferences_set
from review.services.readings import case_take
from review.services.signing import report_cosign
from tests import factories
from tests.review.conftest import read_case
from tests.review.signed import ready_to_sign, sign, signed_report, two_signers

pytestmark = pytest.mark.django_db


def told(user, kind: str | None = None) -> list[str]:
    rows = Notice.objects.filter(recipient=user).order_by("pk")
    return [sentence(row) for row in (rows.filter(kind=kind) if kind else rows)]


def kinds(user) -> list[str]:
    return [row.kind for row in Notice.objects.filter(recipient=user).order_by("pk")]


# Telling -------------------------------------------------------------------------------------------


def test_told_twice_is_told_once(people, case):
    for _ in range(2):
        notify(
            kind=NoticeKind.REPORT_SIGNED,
            recipients=[people.clinician, people.clinician],
            key="report:1",
            case=case,
        )
    assert told(people.clinician) == [f"The report of {case.number} is signed."]


def test_whoever_caused_it_whoever_left_and_whoever_the_kind_is_not_for_are_left_out(people, case):
    people.colleague.is_active = False
    number = notify(
        kind=NoticeKind.REPORT_SIGNED,
        recipients=[
            people.clinician,
            people.colleague,
            people.specialist,
            people.administrator,
            people.other_clinician,
        ],
        key="report:1",
        case=case,
        actor=people.clinician,
    )
    assert number == 1
    assert list(Notice.objects.values_list("recipient", flat=True)) == [people.other_clinician.pk]


def test_a_notice_and_its_fact_commit_together(people, case):
    with transaction.atomic():
        comment_add(actor=people.specialist, case=case, body="Seen.")
        assert told(people.clinician)
        transaction.set_rollback(True)
    assert not Notice.objects.exists()


def test_every_kind_has_a_sentence_somebody_who_gets_it_and_no_more_than_the_case_in_it():
    assert set(KINDS) == set(NoticeKind.values)
    for kind, about in KINDS.items():
        assert about.defaults, kind
        for text in filter(None, (about.one, about.many)):
            assert set(re.findall(r"\{(\w+)\}", text)) <= {"case", "count"}, kind
            assert text.endswith("."), kind
    assert "critical" in kinds_of(Role.CLINICIAN)
    assert kinds_of(Role.ADMINISTRATOR) == []


def test_what_a_person_does_not_want_is_not_told_and_mail_alone_is_not_on_the_screen(people, case):
    def send(key):
        notify(kind=NoticeKind.REPORT_SIGNED, recipients=[people.clinician], key=key, case=case)

    preferences_set(user=people.clinician, wanted={NoticeKind.REPORT_SIGNED: Wanted(False, False)})
    send("report:1")
    assert not Notice.objects.exists()
    preferences_set(user=people.clinician, wanted={NoticeKind.REPORT_SIGNED: Wanted(False, True)})
    send("report:2")
    row = Notice.objects.get()
    assert (row.on_screen, row.mail) == (False, MailState.WAITING)
    assert not Notice.objects.unread().exists()
    preferences_set(user=people.clinician, wanted={NoticeKind.REPORT_SIGNED: Wanted(True, False)})
    send("report:3")
    row = Notice.objects.latest("pk")
    assert (row.on_screen, row.mail) == (True, MailState.NONE)


def test_a_critical_result_reaches_people_whatever_they_chose(people, case):
    NoticePreference.objects.create(
        user=people.clinician, kind=NoticeKind.CRITICAL, on_screen=False, by_mail=False
    )
    preferences_set(user=people.clinician, wanted={NoticeKind.CRITICAL: Wanted(False, False)})
    notify(kind=NoticeKind.CRITICAL, recipients=[people.clinician], key="critical:1", case=case)
    row = Notice.objects.get()
    assert (row.on_screen, row.mail) == (True, MailState.WAITING)
    assert preferences_of(people.clinician)[NoticeKind.CRITICAL] == Wanted(True, True)


def test_preferences_that_are_the_defaults_leave_no_row(people):
    preferences_set(user=people.clinician, wanted={NoticeKind.COMMENT: Wanted(True, False)})
    assert NoticePreference.objects.count() == 1
    preferences_set(user=people.clinician, wanted={NoticeKind.COMMENT: Wanted(True, True)})
    assert not NoticePreference.objects.exists()


def test_telling_two_hundred_people_costs_as_many_queries_as_telling_one(people, case):
    def cost(users, key):
        with CaptureQueriesContext(connection) as queries:
            notify(kind=NoticeKind.CASE_READY, recipients=users, key=key, case=case)
        return len(queries)

    one = cost([people.specialist], "case:1")
    many = [factories.make_user("specialist", people.centre) for _ in range(20)]
    assert cost(many, "case:2") == one


# Gathering -----------------------------------------------------------------------------------------


def test_messages_of_one_case_are_one_notice_until_it_is_read(people, case):
    for body in ("One.", "Two.", "Three."):
        comment_add(actor=people.specialist, case=case, body=body)
    assert told(people.clinician) == [f"There are 3 new messages about {case.number}."]
    Notice.objects.filter(recipient=people.clinician).update(read_at=timezone.now())
    comment_add(actor=people.specialist, case=case, body="Four.")
    assert told(people.clinician)[1:] == [f"There is a new message about {case.number}."]


def test_what_was_gathered_is_not_told_again(people, case):
    def send(key):
        return notify(kind=NoticeKind.COMMENT, recipients=[people.clinician], key=key, case=case)

    assert [send(key) for key in ("comment:1", "comment:2", "comment:2", "comment:1")] == [
        1,
        1,
        0,
        0,
    ]
    assert Notice.objects.get().count == 2
    Notice.objects.update(read_at=timezone.now())
    assert send("comment:2") == 0
    assert Notice.objects.count() == 1


def test_cells_that_could_not_be_analysed_are_one_notice_of_the_case(people, case):
    for row in Prediction.objects.of_case(case)[:3]:
        row.state, row.attempt, row.label, row.probabilities = PredictionState.QUEUED, 3, "", None
        row.save(update_fields=["state", "label", "probabilities"])
        attempt_failed(row, error="The picture could not be read.")
    assert told(people.clinician) == [
        f"3 cells of {case.number} could not be analysed and must be read by eye."
    ]
    assert Notice.objects.get().mail == MailState.NONE


def test_a_second_critical_result_is_not_hidden_in_one_whose_mail_has_gone(people, case):
    def send(key):
        notify(kind=NoticeKind.CRITICAL, recipients=[people.clinician], key=key, case=case)

    send("critical:1")
    send("critical:2")
    assert Notice.objects.get().count == 2
    Notice.objects.update(mail=MailState.SENT, mailed_at=timezone.now())
    send("critical:3")
    assert list(Notice.objects.order_by("pk").values_list("mail", flat=True)) == ["sent", "waiting"]


# Events --------------------------------------------------------------------------------------------


def test_a_case_that_becomes_ready_is_told_to_all_who_may_read_it_and_to_nobody_else(people):
    away = factories.make_user("specialist", people.centre)
    away.is_active = False
    away.save(update_fields=["is_active"])
    own = factories.make_user("specialist", people.clinic)
    case = read_case(people.clinician, ["monocyte"])
    Case.objects.filter(pk=case.pk).update(status=CaseStatus.CLASSIFYING)
    settle_cases(lock_cases([case.pk]))
    case.refresh_from_db()
    assert case.status == CaseStatus.READY
    rows = Notice.objects.filter(kind=NoticeKind.CASE_READY)
    assert {row.recipient for row in rows} == {people.specialist, own}


def test_a_case_that_is_read_again_is_not_told_again(people, case):
    for _ in range(2):
        Case.objects.filter(pk=case.pk).update(status=CaseStatus.CLASSIFYING)
        case_move(case=case, to=CaseStatus.READY)
    assert told(people.specialist) == [f"{case.number} is ready for review."]


def test_a_message_is_told_to_the_people_of_the_case_who_may_still_open_it(people, case):
    gone = factories.make_user("specialist", people.elsewhere)
    grant = ReadingGrant.objects.create(referring=people.clinic, reading=people.elsewhere)
    comment_add(actor=gone, case=case, body="Looked at it.")
    grant.delete()
    comment_add(actor=people.colleague, case=case, body="On behalf of the ward.")
    case_take(actor=people.specialist, case=case)
    Notice.objects.all().delete()
    comment_add(actor=people.clinician, case=case, body="Any news?")
    assert {row.recipient for row in Notice.objects.all()} == {people.colleague, people.specialist}


def test_after_signing_the_signer_still_hears_of_messages(people, case):
    signed_report(people, case)
    Notice.objects.all().delete()
    comment_add(actor=people.clinician, case=case, body="Thank you. Does it fit a virus?")
    assert told(people.specialist) == [f"There is a new message about {case.number}."]


def test_a_case_handed_to_and_fro_is_told_each_time(people, case):
    reading = case_take(actor=people.specialist, case=case)
    colleague = factories.make_user("specialist", people.centre)
    for giver, taker in [(people.specialist, colleague), (colleague, people.specialist)] * 2:
        reading.case = case_hand_over(actor=giver, case=reading.case, to=taker)
        hooks.case_handed_over(reading=reading, to=taker)
        hooks.case_handed_over(reading=reading, to=taker)
    assert told(colleague, NoticeKind.CASE_HANDED) == [f"{case.number} was handed to you."] * 2


def test_a_signed_report_is_told_to_whoever_asked_and_an_amended_one_to_whoever_had_it(
    people, case
):
    from review.services.amending import amendment_begin
    from review.services.answers import report_opened

    report = signed_report(people, case)
    assert told(people.clinician, NoticeKind.REPORT_SIGNED) == [
        f"The report of {case.number} is signed."
    ]
    assert told(people.colleague) == []
    report_opened(actor=people.colleague, report=report)
    reading = amendment_begin(actor=people.specialist, case=case)
    sign(reading, people.specialist, comment="No blasts after all.", reason="Read again.")
    amended = f"The report of {case.number} was amended. The version that you had no longer holds."
    assert told(people.colleague) == [amended]
    assert told(people.clinician, NoticeKind.REPORT_AMENDED) == [amended]


def test_a_report_that_waits_is_told_to_the_signers_colleagues_and_its_return_to_the_signer(
    people, case
):
    from review.services.signing import report_return

    colleague = factories.make_user("specialist", people.centre)
    own = factories.make_user("specialist", people.clinic)
    two_signers(people)
    report = sign(ready_to_sign(people, case), people.specialist)
    assert kinds(colleague) == [NoticeKind.COSIGN_ASKED]
    assert kinds(own) == []
    assert NoticeKind.COSIGN_ASKED not in kinds(people.specialist)
    assert NoticeKind.REPORT_SIGNED not in kinds(people.clinician)
    report_return(actor=colleague, report=report, sentence="Cell 3 is a monocyte.")
    assert NoticeKind.REPORT_RETURNED in kinds(people.specialist)


def test_a_second_opinion_is_told_to_whoever_is_asked_and_to_whoever_asked(people, case):
    from review.services.readings import opinion_ask, opinion_give

    colleague = factories.make_user("specialist", people.centre)
    case_take(actor=people.specialist, case=case)
    reading = opinion_ask(
        actor=people.specialist, case=case, of=colleague, question="Blasts or lymphocytes?"
    )
    hooks.opinion_asked(reading=reading)
    assert kinds(colleague) == [NoticeKind.OPINION_ASKED]
    opinion_give(actor=colleague, reading=reading)
    hooks.opinion_given(reading=reading)
    assert told(people.specialist) == [f"The second opinion on {case.number} is there."]


def test_once_somebody_has_the_case_the_others_need_not_look(people, case):
    colleague = factories.make_user("specialist", people.centre)
    Case.objects.filter(pk=case.pk).update(status=CaseStatus.CLASSIFYING)
    case = case_move(case=case, to=CaseStatus.READY)
    assert Notice.objects.filter(recipient=colleague).unread().exists()
    case_take(actor=people.specialist, case=case)
    assert not Notice.objects.filter(kind=NoticeKind.CASE_READY).unread().exists()


def test_once_a_report_is_signed_or_returned_nobody_is_asked_to_sign_it(people, case):
    colleague = factories.make_user("specialist", people.centre)
    third = factories.make_user("specialist", people.centre)
    two_signers(people)
    report = sign(ready_to_sign(people, case), people.specialist)
    assert Notice.objects.filter(recipient=third).unread().exists()
    report_cosign(actor=colleague, report=report, method="password")
    assert not Notice.objects.filter(kind=NoticeKind.COSIGN_ASKED).unread().exists()


def test_by_mail_alone_what_comes_after_the_mail_is_a_notice_of_its_own(people, case):
    preferences_set(user=people.clinician, wanted={NoticeKind.COMMENT: Wanted(False, True)})
    comment_add(actor=people.specialist, case=case, body="One.")
    comment_add(actor=people.specialist, case=case, body="Two.")
    assert Notice.objects.get().count == 2
    Notice.objects.update(mail=MailState.SENT, mailed_at=timezone.now())
    comment_add(actor=people.specialist, case=case, body="Three.")
    assert list(Notice.objects.order_by("pk").values_list("mail", flat=True)) == ["sent", "waiting"]
