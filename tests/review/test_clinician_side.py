"""What changed since one last looked, who opened the report, and whether it answered the question."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from patients.errors import MoveRefused
from patients.services import case_edit, comment_add
from review.answers import answers_to
from review.choices import Answered, NoticeKind
from review.models import CaseVisit, Feedback, Notice, ReportReceipt
from review.news import news_of
from review.services.amending import amendment_begin
from review.services.answers import feedback_give, report_opened
from review.services.readings import case_take
from tests import factories
from tests.review.conftest import read_case
from tests.review.signed import sign, signed_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def report(people, case):
    return signed_report(people, case)


def words(user, case) -> tuple[str, ...]:
    case.refresh_from_db()
    found = news_of(user, [case]).get(case.pk)
    return found.words if found else ()


def look(client, case) -> str:
    return client.get(case.get_absolute_url()).content.decode()


# What is new ---------------------------------------------------------------------------------------


def test_ones_own_case_says_what_happened_until_one_has_looked(people, case, sign_in):
    comment_add(actor=people.specialist, case=case, body="One.")
    comment_add(actor=people.specialist, case=case, body="Two.")
    case_take(actor=people.specialist, case=case)
    assert words(people.clinician, case) == ("now in review", "2 messages")
    client = sign_in(people.clinician)
    listed = client.get(reverse("patients:cases")).content.decode()
    assert "now in review, 2 messages" in listed
    look(client, case)
    assert words(people.clinician, case) == ()
    assert "2 messages" not in client.get(reverse("patients:cases")).content.decode()


def test_a_signed_and_an_amended_report_are_news_and_so_is_a_critical_result(
    people, case, report, sign_in
):
    assert words(people.clinician, case) == ("critical result", "report signed")
    look(sign_in(people.clinician), case)
    reading = amendment_begin(actor=people.specialist, case=case)
    assert words(people.clinician, case) == ("now in review",)
    sign(reading, people.specialist, comment="Read again.", reason="A slip.")
    assert words(people.clinician, case) == ("report amended",)


def test_what_one_did_oneself_is_no_news(people, case, sign_in):
    look(sign_in(people.clinician), case)
    comment_add(actor=people.clinician, case=case, body="Any news?")
    assert words(people.clinician, case) == ()


def test_a_case_that_a_colleague_opened_is_news_only_to_whoever_has_looked_at_it(
    people, case, sign_in
):
    comment_add(actor=people.specialist, case=case, body="One.")
    assert words(people.colleague, case) == ()
    look(sign_in(people.colleague), case)
    comment_add(actor=people.specialist, case=case, body="Two.")
    assert words(people.colleague, case) == ("message",)


def test_a_specialist_sees_what_the_clinic_added(people, case, sign_in):
    case_take(actor=people.specialist, case=case)
    look(sign_in(people.specialist), case)
    case.refresh_from_db()
    case_edit(actor=people.clinician, case=case, version=case.version, site="Ward 9")
    comment_add(actor=people.clinician, case=case, body="No travel.")
    assert words(people.specialist, case) == ("message", "details changed")


def test_the_case_page_says_it_once_and_marks_the_new_messages(people, case, sign_in):
    client = sign_in(people.clinician)
    assert "Since you last looked" not in look(client, case)
    comment_add(actor=people.specialist, case=case, body="Please see cell 3.")
    page = look(client, case)
    assert "Since you last looked" in page
    assert page.count('class="badge-new"') == 1
    page = look(client, case)
    assert "Since you last looked" not in page
    assert 'class="badge-new"' not in page
    assert CaseVisit.objects.filter(case=case, user=people.clinician).count() == 1


def test_writing_in_the_thread_is_looking(people, case, sign_in):
    client = sign_in(people.clinician)
    comment_add(actor=people.specialist, case=case, body="Any travel?")
    client.post(reverse("patients:case-thread", args=[case.public_id]), {"body": "None."})
    assert words(people.clinician, case) == ()


@pytest.mark.parametrize("number", [1, 25])
def test_the_list_asks_two_questions_more_however_long_it_is(people, sign_in, number):
    cases = [read_case(people.clinician, ["monocyte"]) for _ in range(number)]
    for case in cases:
        comment_add(actor=people.specialist, case=case, body="Seen.")
    with CaptureQueriesContext(connection) as queries:
        found = news_of(people.clinician, cases)
    assert len(queries) == 2
    assert len(found) == number


def test_a_list_without_anything_looked_at_asks_one(people):
    case = read_case(people.clinician, ["monocyte"])
    with CaptureQueriesContext(connection) as queries:
        assert news_of(people.colleague, [case]) == {}
    assert len(queries) == 1


# Receipts ------------------------------------------------------------------------------------------


def test_the_first_look_of_each_person_of_the_clinic_is_a_receipt(people, report):
    first = report_opened(actor=people.clinician, report=report)
    assert report_opened(actor=people.clinician, report=report) == first
    report_opened(actor=people.colleague, report=report)
    assert report_opened(actor=people.specialist, report=report) is None
    assert ReportReceipt.objects.count() == 2


def test_opening_the_report_reads_its_notice(people, report):
    report_opened(actor=people.clinician, report=report)
    unread = Notice.objects.filter(recipient=people.clinician).unread()
    assert NoticeKind.REPORT_SIGNED not in {row.kind for row in unread}


def test_specialists_see_on_the_case_who_opened_the_report_and_clinicians_do_not(
    people, case, report, sign_in
):
    assert "Nobody of the clinic has opened the report yet." in look(
        sign_in(people.specialist), case
    )
    receipt = report_opened(actor=people.colleague, report=report)
    page = look(sign_in(people.specialist), case)
    assert f"Opened by {people.colleague}, {receipt.at:%-d %B %H:%M}." in page
    assert "Opened by" not in look(sign_in(people.clinician), case)


# Feedback ------------------------------------------------------------------------------------------


def answer(client, report, **data):
    return client.post(reverse("review:report-answer", args=[report.public_id]), data)


def test_a_clinician_answers_and_may_change_it_and_the_signer_is_told_each_time(
    people, report, sign_in
):
    client = sign_in(people.clinician)
    answer(client, report, answered="partly", body="The lymphocytes were not described.")
    answer(client, report, answered="partly", body="The lymphocytes were not described.")
    told = Notice.objects.filter(recipient=people.specialist, kind=NoticeKind.FEEDBACK)
    assert told.count() == 1
    answer(client, report, answered="yes")
    given = Feedback.objects.get()
    assert (given.answered, given.body) == ("yes", "")
    assert told.count() == 2
    assert AuditEvent.objects.filter(action="report.answered").count() == 2


def test_what_a_clinician_writes_is_in_no_notice_and_no_audit(people, report):
    feedback_give(actor=people.clinician, report=report, answered="no", body="Canary sentence.")
    assert "Canary" not in str(list(AuditEvent.objects.values_list("data", flat=True)))


def test_each_clinician_has_an_answer_of_their_own(people, report):
    feedback_give(actor=people.clinician, report=report, answered="yes")
    feedback_give(actor=people.colleague, report=report, answered="no")
    assert Feedback.objects.count() == 2


def test_a_version_that_was_replaced_is_not_answered_any_more(people, case, report):
    reading = amendment_begin(actor=people.specialist, case=case)
    sign(reading, people.specialist, comment="Read again.", reason="A slip.")
    with pytest.raises(MoveRefused, match="was amended"):
        feedback_give(actor=people.clinician, report=report, answered="yes")


@pytest.mark.parametrize(
    "data", [{}, {"answered": "perhaps"}, {"answered": "yes", "body": "x" * 2001}]
)
def test_senseless_answers_are_refused_in_a_sentence(people, report, sign_in, data):
    client = sign_in(people.clinician)
    response = answer(client, report, **data)
    assert response.status_code == 302
    assert not Feedback.objects.exists()
    assert "Nothing was sent." in client.get("/notices/").content.decode()


def test_only_the_clinic_answers(people, report, sign_in):
    assert answer(sign_in(people.specialist), report, answered="yes").status_code == 403
    assert answer(sign_in(people.other_clinician), report, answered="yes").status_code == 404
    missing = reverse("review:report-answer", args=[uuid.uuid4()])
    assert sign_in(people.clinician).post(missing, {"answered": "yes"}).status_code == 404


def test_the_summary_counts_and_shows_what_was_written(people, case, report, sign_in):
    feedback_give(actor=people.clinician, report=report, answered="no", body="Which lymphocytes?")
    feedback_give(actor=people.colleague, report=report, answered="yes")
    other = signed_report(people, read_case(people.clinician, ["monocyte"] * 3, abstained=[0]))
    feedback_give(actor=people.clinician, report=other, answered="yes")
    client = sign_in(people.specialist)
    found = client.get(reverse("review:answers")).context["found"]
    assert {share.value: share.count for share in found.shares} == {"yes": 2, "partly": 0, "no": 1}
    assert round(sum(share.percent for share in found.shares)) == 100
    page = client.get(reverse("review:answers"), {"answered": "no", "span": "all"})
    assert [each.body for each in page.context["found"].latest] == ["Which lymphocytes?"]


def test_another_centre_sees_nothing_of_it(people, report, sign_in):
    feedback_give(actor=people.clinician, report=report, answered="no")
    assert answers_to(people.other_specialist, days=None).total == 0
    page = sign_in(people.other_specialist).get(reverse("review:answers")).content.decode()
    assert "No feedback yet" in page


def test_every_answer_has_its_row_in_the_summary(people, report):
    found = answers_to(people.specialist, days=90)
    assert [share.value for share in found.shares] == Answered.values
    assert found.total == 0


def test_the_answers_form_is_on_the_report_of_the_clinic_alone(people, case, report, sign_in):
    address = reverse("review:report", args=[report.public_id])
    page = sign_in(people.clinician).get(address).content.decode()
    assert "Did this report answer your question?" in page
    assert "Did this report answer your question?" not in (
        sign_in(people.specialist).get(address).content.decode()
    )


def test_opening_the_report_page_leaves_a_receipt_that_the_specialist_sees(people, report, sign_in):
    address = reverse("review:report", args=[report.public_id])
    sign_in(people.clinician).get(address)
    assert ReportReceipt.objects.get().reader == people.clinician
    assert (
        f"Opened by {people.clinician}" in sign_in(people.specialist).get(address).content.decode()
    )


def test_a_colleague_of_the_signer_sees_the_receipts_too(people, case, report, sign_in):
    report_opened(actor=people.clinician, report=report)
    colleague = factories.make_user("specialist", people.centre)
    assert f"Opened by {people.clinician}" in look(sign_in(colleague), case)
