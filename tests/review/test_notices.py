"""Notices: told once, to whom it concerns and who wants it, gathered, read."""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
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


# Pages ---------------------------------------------------------------------------------------------


@pytest.fixture
def sign_in(client):
    def _sign_in(user):
        client.force_login(user)
        return client

    return _sign_in


def test_the_page_groups_by_day_and_marks_what_is_unread(people, case, sign_in):
    for days, key in ((0, "a"), (1, "b"), (40, "c")):
        notify(kind=NoticeKind.REPORT_SIGNED, recipients=[people.clinician], key=key, case=case)
        Notice.objects.filter(key=key).update(created_at=timezone.now() - timedelta(days=days))
    Notice.objects.filter(key="b").update(read_at=timezone.now())
    client = sign_in(people.clinician)
    page = client.get(reverse("review:notices"))
    days = [day for day, _ in page.context["days"]]
    assert days[:2] == ["Today", "Yesterday"]
    assert re.fullmatch(r"\d+ \w+ \d{4}", days[2])
    assert page.content.decode().count("Unread: ") == 2
    unread = client.get(reverse("review:notices"), {"show": "unread"})
    assert [len(lines) for _, lines in unread.context["days"]] == [1, 1]


def test_an_empty_page_says_what_will_come(people, sign_in):
    assert "No notices yet" in sign_in(people.clinician).get("/notices/").content.decode()
    unread = sign_in(people.clinician).get("/notices/?show=unread").content.decode()
    assert "Nothing unread" in unread


def test_opening_a_notice_reads_it_and_leads_to_what_it_is_about(people, case, sign_in):
    comment_add(actor=people.specialist, case=case, body="Seen.")
    row = Notice.objects.get(recipient=people.clinician)
    answer = sign_in(people.clinician).get(reverse("review:notice", args=[row.public_id]))
    assert answer.headers["Location"] == f"{case.get_absolute_url()}#thread"
    row.refresh_from_db()
    assert row.read_at is not None


def test_a_notice_of_a_signed_report_opens_that_report(people, case, sign_in):
    report = signed_report(people, case)
    row = Notice.objects.get(recipient=people.clinician, kind=NoticeKind.REPORT_SIGNED)
    answer = sign_in(people.clinician).get(reverse("review:notice", args=[row.public_id]))
    assert answer.headers["Location"] == reverse("review:report", args=[report.public_id])


def test_a_notice_of_a_case_that_one_may_no_longer_open_says_so(people, case, sign_in):
    Case.objects.filter(pk=case.pk).update(status=CaseStatus.CLASSIFYING)
    case_move(case=case, to=CaseStatus.READY)
    ReadingGrant.objects.all().delete()
    row = Notice.objects.get(recipient=people.specialist)
    client = sign_in(people.specialist)
    page = client.get(reverse("review:notice", args=[row.public_id]), follow=True)
    assert page.redirect_chain == [(reverse("review:notices"), 302)]
    assert "no longer open the case" in page.content.decode()


def test_one_and_all_are_marked_as_read_and_nobody_elses(people, case, sign_in):
    for key in "abc":
        notify(
            kind=NoticeKind.REPORT_SIGNED,
            recipients=[people.clinician, people.colleague],
            key=key,
            case=case,
        )
    client = sign_in(people.clinician)
    first = Notice.objects.filter(recipient=people.clinician).first()
    client.post(reverse("review:notice-read", args=[first.public_id]))
    assert Notice.objects.filter(recipient=people.clinician).unread().count() == 2
    partial = client.post(reverse("review:notices-read"), headers={"HX-Request": "true"})
    assert partial.headers["HX-Trigger"] == "teleheme:bell"
    assert b"<html" not in partial.content
    assert not Notice.objects.filter(recipient=people.clinician).unread().exists()
    assert Notice.objects.filter(recipient=people.colleague).unread().count() == 3


def test_somebody_elses_notice_is_not_there(people, case, sign_in):
    notify(kind=NoticeKind.REPORT_SIGNED, recipients=[people.clinician], key="a", case=case)
    row = Notice.objects.get()
    client = sign_in(people.colleague)
    assert client.get(reverse("review:notice", args=[row.public_id])).status_code == 404
    assert client.post(reverse("review:notice-read", args=[row.public_id])).status_code == 404
    row.refresh_from_db()
    assert row.read_at is None


def test_the_bell_counts_in_one_query_and_stops_at_99(people, case, sign_in):
    Notice.objects.bulk_create(
        Notice(recipient=people.clinician, kind=NoticeKind.COMMENT, key=f"c{n}", case=case)
        for n in range(120)
    )
    client = sign_in(people.clinician)
    client.get(reverse("review:bell"))
    with CaptureQueriesContext(connection) as queries:
        partial = client.get(reverse("review:bell"))
    counting = [query for query in queries if "review_notice" in query["sql"]]
    assert len(counting) == 1
    assert ">99+<" in partial.content.decode()
    Notice.objects.filter(pk__in=list(Notice.objects.values_list("pk", flat=True)[:117])).delete()
    assert "3 unread" in client.get(reverse("review:bell")).content.decode().replace(", ", "")


def test_every_page_of_a_clinician_has_the_bell_and_an_administrators_none(people, sign_in):
    assert 'id="bell"' in sign_in(people.clinician).get("/account/").content.decode()
    assert 'id="bell"' not in sign_in(people.administrator).get("/account/").content.decode()
    assert sign_in(people.administrator).get("/notices/").status_code == 403


def test_opening_the_case_reads_what_it_shows_but_not_a_critical_result(people, case, sign_in):
    signed_report(people, case)
    comment_add(actor=people.specialist, case=case, body="Please see the report.")
    sign_in(people.clinician).get(case.get_absolute_url())
    unread = Notice.objects.filter(recipient=people.clinician).unread()
    assert {row.kind for row in unread} == {NoticeKind.CRITICAL, NoticeKind.REPORT_SIGNED}


def test_preferences_are_kept_per_kind_and_what_must_reach_people_cannot_be_switched_off(
    people, sign_in
):
    client = sign_in(people.clinician)
    page = client.get(reverse("review:notice-preferences")).content.decode()
    assert page.count("disabled") == 4  # two kinds, on screen and by e-mail
    client.post(reverse("review:notice-preferences"), {"screen-comment": "on"})
    now = preferences_of(people.clinician)
    assert now[NoticeKind.COMMENT] == Wanted(True, False)
    assert now[NoticeKind.REPORT_SIGNED] == Wanted(False, False)
    assert now[NoticeKind.CRITICAL] == Wanted(True, True)


def test_the_number_of_queries_does_not_grow_with_the_page(people, case, sign_in):
    def count() -> int:
        client = sign_in(people.clinician)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/notices/").status_code == 200
        return len(queries)

    notify(kind=NoticeKind.REPORT_SIGNED, recipients=[people.clinician], key="a", case=case)
    few = count()
    for number in range(49):
        notify(
            kind=NoticeKind.REPORT_SIGNED, recipients=[people.clinician], key=str(number), case=case
        )
    assert count() == few <= 12


def test_once_somebody_has_the_case_the_others_need_not_look(people, case):
    colleague = factories.make_user("specialist", people.centre)
    Case.objects.filter(pk=case.pk).update(status=CaseStatus.CLASSIFYING)
    case = case_move(case=case, to=CaseStatus.READY)
    assert Notice.objects.filter(recipient=colleague).unread().exists()
    case_take(actor=people.specialist, case=case)
    assert not Notice.objects.filter(kind=NoticeKind.CASE_READY).unread().exists()


def test_once_a_report_is_signed_or_returned_nobody_is_asked_to_sign_it(people, case):
    from review.services.signing import report_cosign

    colleague = factories.make_user("specialist", people.centre)
    third = factories.make_user("specialist", people.centre)
    two_signers(people)
    report = sign(ready_to_sign(people, case), people.specialist)
    assert Notice.objects.filter(recipient=third).unread().exists()
    report_cosign(actor=colleague, report=report, method="password")
    assert not Notice.objects.filter(kind=NoticeKind.COSIGN_ASKED).unread().exists()


def test_the_desk_reads_what_it_shows_and_leaves_messages(people, case, sign_in):
    colleague = factories.make_user("specialist", people.centre)
    reading = case_take(actor=people.specialist, case=case)
    reading.case = case_hand_over(actor=people.specialist, case=reading.case, to=colleague)
    hooks.case_handed_over(reading=reading, to=colleague)
    comment_add(actor=people.clinician, case=case, body="Any news?")
    sign_in(colleague).get(reverse("review:desk", args=[case.public_id]))
    left = Notice.objects.filter(recipient=colleague).unread()
    assert [row.kind for row in left] == [NoticeKind.COMMENT]


def test_a_notice_of_a_handed_case_opens_the_desk_and_of_a_waiting_report_that_report(
    people, case, sign_in
):
    colleague = factories.make_user("specialist", people.centre)
    two_signers(people)
    report = sign(ready_to_sign(people, case), people.specialist)
    row = Notice.objects.get(recipient=colleague, kind=NoticeKind.COSIGN_ASKED)
    answer = sign_in(colleague).get(reverse("review:notice", args=[row.public_id]))
    assert answer.headers["Location"] == reverse("review:report", args=[report.public_id])
    notify(kind=NoticeKind.CASE_HANDED, recipients=[colleague], key="event:1", case=case)
    row = Notice.objects.get(recipient=colleague, kind=NoticeKind.CASE_HANDED)
    answer = sign_in(colleague).get(reverse("review:notice", args=[row.public_id]))
    assert answer.headers["Location"] == reverse("review:desk", args=[case.public_id])


def test_by_mail_alone_what_comes_after_the_mail_is_a_notice_of_its_own(people, case):
    preferences_set(user=people.clinician, wanted={NoticeKind.COMMENT: Wanted(False, True)})
    comment_add(actor=people.specialist, case=case, body="One.")
    comment_add(actor=people.specialist, case=case, body="Two.")
    assert Notice.objects.get().count == 2
    Notice.objects.update(mail=MailState.SENT, mailed_at=timezone.now())
    comment_add(actor=people.specialist, case=case, body="Three.")
    assert list(Notice.objects.order_by("pk").values_list("mail", flat=True)) == ["sent", "waiting"]
