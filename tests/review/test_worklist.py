"""The worklist: who sees which case in which section, in which order, with how much time left."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from patients.choices import CaseStatus
from patients.models import Case
from review.choices import ReadingKind
from review.models import Reading
from review.services.policies import policy_set
from review.services.readings import case_take, opinion_ask, opinion_give
from review.worklist import Worklist, mark_due, place_of, progress_today
from tests import factories
from tests.review.conftest import read_case

pytestmark = pytest.mark.django_db
URL = "/worklist/"


@pytest.fixture
def desk(people):
    client = Client()
    client.force_login(people.specialist)
    return client


@pytest.fixture
def colleague(people):
    return factories.make_user("specialist", people.centre, name="Dr Colleague")


def ready(people, priority="routine", minutes=0, **fields) -> Case:
    case = read_case(people.clinician, ["monocyte"], priority=priority, **fields)
    Case.objects.filter(pk=case.pk).update(submitted_at=timezone.now() - timedelta(minutes=minutes))
    case.refresh_from_db()
    return case


def section(user, name) -> list[str]:
    return [case.number for case in Worklist(user=user).of(name)]


def test_stat_comes_before_routine_before_background_and_the_longest_waiting_first(people):
    late = ready(people, minutes=10)
    early = ready(people, minutes=50)
    background = ready(people, "background", minutes=900)
    stat = ready(people, "stat")
    wanted = [stat.number, early.number, late.number, background.number]
    assert section(people.specialist, "open") == wanted


def test_a_taken_case_is_mine_and_nobody_elses_to_take(people, colleague):
    case = ready(people)
    case_take(actor=people.specialist, case=case)
    assert section(people.specialist, "mine") == [case.number]
    assert section(colleague, "mine") == section(colleague, "open") == []


def test_a_specialist_without_a_grant_sees_nothing(people):
    ready(people)
    for name in ("mine", "open", "opinions", "second", "cosign", "done"):
        assert section(people.other_specialist, name) == []


def test_an_opinion_waits_for_whom_it_is_asked_of_until_it_is_given(people, colleague):
    case = ready(people)
    case_take(actor=people.specialist, case=case)
    reading = opinion_ask(actor=people.specialist, case=case, of=colleague, question="Blast?")
    assert section(colleague, "opinions") == [case.number]
    assert section(people.specialist, "opinions") == []
    opinion_give(actor=colleague, reading=reading)
    assert section(colleague, "opinions") == []


def test_a_second_reading_is_offered_to_those_who_have_not_read_the_case(people, colleague):
    policy_set(
        actor=people.administrator, organisation=people.centre,
        values={"second_reading": 1.0}, reason="Study",
    )  # fmt: skip
    case = ready(people)
    case_take(actor=people.specialist, case=case)
    assert Reading.objects.filter(case=case, kind=ReadingKind.SECOND, blind=True).count() == 1
    assert section(colleague, "second") == [case.number]
    assert section(people.specialist, "second") == []


@pytest.mark.parametrize(
    ("minutes", "words", "over"),
    [(0, "1 h left", False), (25, "35 min left", False), (125, "1 h 5 min over", True)],
)
def test_time_left_is_counted_from_submission_by_priority(people, minutes, words, over):
    case = ready(people, "stat", minutes=minutes)
    mark_due([case], now=case.submitted_at + timedelta(minutes=minutes))
    assert (case.due.words, case.due.over) == (words, over)


def test_the_referring_organisations_own_times_count(people):
    policy_set(
        actor=people.administrator, organisation=people.clinic,
        values={"turnaround": {"stat": 30, "routine": 2880, "background": 4320}}, reason="Ours",
    )  # fmt: skip
    case = ready(people)
    mark_due([case], now=case.submitted_at)
    assert case.due.words == "2 d left"


def test_what_is_signed_or_withdrawn_has_no_time_left(people):
    case = ready(people)
    case.status = CaseStatus.WITHDRAWN
    mark_due([case])
    assert case.due is None


def test_the_first_section_that_holds_something_opens(people, desk):
    case = ready(people)
    page = desk.get(URL).content.decode()
    assert 'name="section" value="open"' in page
    case_take(actor=people.specialist, case=case)
    assert 'name="section" value="mine"' in desk.get(URL).content.decode()


def test_filters_are_kept_in_the_address_and_nonsense_is_ignored(people, desk):
    stat = ready(people, "stat")
    routine = ready(people)
    answer = desk.get(URL, {"section": "open", "priority": "stat"}, headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert stat.number in page
    assert routine.number not in page
    assert "priority=stat" in page, "the tabs keep the filter"
    nonsense = {"section": "'", "priority": "x", "organisation": "y", "page": "z", "q": "\0"}
    assert desk.get(URL, nonsense).status_code == 200


def test_take_opens_the_desk_and_give_back_returns_the_case(people, desk):
    case = ready(people)
    taken = desk.post(reverse("review:take", args=[case.public_id]))
    assert taken.headers["Location"] == reverse("review:desk", args=[case.public_id])
    case.refresh_from_db()
    assert (case.status, case.reader) == (CaseStatus.IN_REVIEW, people.specialist)
    desk.post(reverse("review:release", args=[case.public_id]))
    case.refresh_from_db()
    assert (case.status, case.reader) == (CaseStatus.READY, None)


def test_taking_what_a_colleague_holds_is_refused_with_their_name(people, desk, colleague):
    case = ready(people)
    case_take(actor=colleague, case=case)
    answer = desk.post(reverse("review:take", args=[case.public_id]), follow=True)
    assert "Dr Colleague is already reading this case." in answer.content.decode()


def test_take_the_most_urgent_and_what_is_said_when_there_is_none(people, desk):
    routine, stat = ready(people, minutes=30), ready(people, "stat")
    for case in (stat, routine):
        answer = desk.post(reverse("review:take-next"))
        assert answer.headers["Location"] == reverse("review:desk", args=[case.public_id])
    answer = desk.post(reverse("review:take-next"), follow=True)
    assert "Nothing is waiting to be taken." in answer.content.decode()


def test_hand_over_gives_the_case_and_its_verdicts_to_a_colleague(people, desk, colleague):
    case = ready(people)
    case_take(actor=people.specialist, case=case)
    address = reverse("review:hand-over", args=[case.public_id])
    assert "Dr Colleague" in desk.get(address).content.decode()
    answer = desk.post(address, {"colleague": colleague.public_id}, follow=True)
    assert "is with Dr Colleague now" in answer.content.decode()
    case.refresh_from_db()
    assert case.reader == colleague
    assert desk.post(address, {"colleague": colleague.public_id}).status_code == 403


@pytest.mark.parametrize("who", ["", "00000000-0000-0000-0000-000000000000", "x"])
def test_a_case_is_handed_to_nobody_who_cannot_read_it(people, desk, colleague, who):
    case = ready(people)
    case_take(actor=people.specialist, case=case)
    address = reverse("review:hand-over", args=[case.public_id])
    assert desk.post(address, {"colleague": who}).status_code == 422
    strangers = {"colleague": people.other_specialist.public_id}
    answer = desk.post(address, strangers)
    assert answer.status_code == 422
    assert "cannot read the case" in answer.content.decode()
    case.refresh_from_db()
    assert case.reader == people.specialist


def test_ask_a_colleague_by_the_page(people, desk, colleague):
    case = ready(people)
    case_take(actor=people.specialist, case=case)
    address = reverse("review:opinion", args=[case.public_id])
    assert desk.post(address, {"colleague": colleague.public_id}).status_code == 422
    answer = desk.post(
        address, {"colleague": colleague.public_id, "question": "Is cell 1 a blast?"}
    )
    assert answer.status_code == 302
    reading = Reading.objects.get(kind=ReadingKind.OPINION)
    assert (reading.reader, reading.asked_by) == (colleague, people.specialist)
    page = desk.get(address).content.decode()
    assert "Is cell 1 a blast?" in page
    assert "Not answered yet" in page


def test_progress_counts_what_is_held_and_signed_today(people):
    for _ in range(3):
        case_take(actor=people.specialist, case=ready(people))
    progress = progress_today(people.specialist)
    assert (progress.signed, progress.total) == (0, 3)


def test_the_place_in_ones_own_list_names_the_neighbours(people):
    cases = [ready(people, minutes=30 - number) for number in range(3)]
    for case in cases:
        case_take(actor=people.specialist, case=case)
    first, middle, last = (place_of(people.specialist, case) for case in cases)
    assert (first.number, first.total, first.previous, first.following) == (1, 3, None, cases[1])
    assert (middle.previous, middle.following) == (cases[0], cases[2])
    assert (last.previous, last.following) == (cases[1], None)
    assert place_of(people.clinician, cases[0]) is None


def test_a_full_page_costs_no_more_queries_than_a_short_one(
    people, desk, django_assert_max_num_queries
):
    for _ in range(26):
        ready(people)
    desk.get(URL)
    with django_assert_max_num_queries(40):
        page = desk.get(URL, {"section": "open"}).content.decode()
    assert page.count(">Take</button>") == 25


def test_looking_at_the_worklist_is_recorded_once_without_what_was_searched(people, desk):
    desk.get(URL, {"q": "Canary"})
    event = AuditEvent.objects.get(action="worklist.viewed")
    assert event.data["searched"] is True
    assert "Canary" not in str(event.data)
