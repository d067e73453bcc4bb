"""The notice centre's pages, the bell, and what a look at other pages settles."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import ReadingGrant
from patients.choices import CaseStatus
from patients.models import Case
from patients.services import case_hand_over, case_move, comment_add
from review import hooks
from review.choices import NoticeKind
from review.models import Notice
from review.notices import notify
from review.notices.kinds import Wanted
from review.notices.telling import preferences_of
from review.services.readings import case_take
from tests import factories
from tests.review.signed import ready_to_sign, sign, signed_report, two_signers

pytestmark = pytest.mark.django_db


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
