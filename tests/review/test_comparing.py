"""Two readings of one case: how far they agree, and who decides where they differ."""

import pytest
from django.test import Client
from django.urls import reverse

from review.choices import Label, ReadingKind
from review.comparing import compare_readings, pooled
from review.current import cell_states, latest_verdicts, primary_reading
from review.errors import NotYours
from review.models import Reading
from review.services.policies import policy_set
from review.services.readings import (
    case_take,
    drawn,
    opinion_ask,
    opinion_give,
    reading_commit,
    second_take,
)
from review.services.verdicts import Change, act_classify
from tests import factories
from tests.review.conftest import read_case

pytestmark = pytest.mark.django_db
LABELS = ["neutrophil"] * 6 + ["lymphocyte"] * 4


@pytest.fixture
def colleague(people):
    return factories.make_user("specialist", people.centre, name="Dr Colleague")


@pytest.fixture
def twice(people):
    """A case taken by the specialist whose organisation reads every case twice."""
    policy_set(
        actor=people.administrator, organisation=people.centre,
        values={"second_reading": 1.0}, reason="Study",
    )  # fmt: skip
    case = read_case(people.clinician, LABELS)
    return case_take(actor=people.specialist, case=case)


def say(reading, actor, labels: dict[int, str], key="k"):
    states = cell_states(reading)
    changes = [
        Change(states[place].cell.public_id, states[place].label, label)
        for place, label in labels.items()
    ]
    return act_classify(actor=actor, reading=reading, key=key, changes=changes)


def second_of(reading) -> Reading:
    return Reading.objects.get(case=reading.case, kind=ReadingKind.SECOND)


def read_second(reading, colleague, labels: list[str]) -> Reading:
    second = second_take(actor=colleague, reading=second_of(reading))
    say(second, colleague, dict(enumerate(labels)))
    return reading_commit(actor=colleague, reading=second)


def test_the_second_reader_starts_from_nothing(twice, colleague):
    second = second_take(actor=colleague, reading=second_of(twice))
    states = cell_states(second)
    assert {state.label for state in states} == {Label.UNIDENTIFIED}
    assert {state.suggested for state in states} == {""}


def test_who_has_read_the_case_does_not_read_it_a_second_time(people, twice):
    from patients.errors import MoveRefused

    with pytest.raises(MoveRefused, match="somebody else"):
        second_take(actor=people.specialist, reading=second_of(twice))


def test_agreement_is_between_what_each_said_alone(people, twice, colleague):
    second = read_second(twice, colleague, ["neutrophil"] * 5 + ["monocyte"] + ["lymphocyte"] * 4)
    before = compare_readings(twice, second)
    assert (before.agreement.n, before.agreement.agreed) == (10, 9)
    assert [each.state.cell.image.position for each in before.differences] == [6]
    assert before.open == 1
    say(twice, people.specialist, {5: "monocyte"}, key="adopted")
    after = compare_readings(twice, second)
    assert (after.agreement.n, after.agreement.agreed) == (10, 9), "adjudication is no agreement"
    assert after.open == 0
    assert after.differences[0].decided


def test_a_blind_reading_is_not_committed_with_a_cell_undecided(twice, colleague):
    from patients.errors import DomainError

    second = second_take(actor=colleague, reading=second_of(twice))
    say(second, colleague, dict.fromkeys(range(9), "neutrophil"))
    with pytest.raises(DomainError, match="1 cell is not decided"):
        reading_commit(actor=colleague, reading=second)


def test_a_finished_second_reading_takes_no_more_verdicts(twice, colleague):
    second = read_second(twice, colleague, LABELS)
    with pytest.raises(NotYours, match="finished"):
        say(second, colleague, {0: "blast"}, key="late")


def test_pooled_agreement_counts_all_cells(people, twice, colleague):
    second = read_second(twice, colleague, ["neutrophil"] * 5 + ["monocyte"] + ["lymphocyte"] * 4)
    one = compare_readings(twice, second)
    both = pooled([one, one])
    assert (both.n, both.agreed) == (20, 18)


def test_the_page_shows_both_names_of_a_cell_and_the_reader_decides(people, twice, colleague):
    second = read_second(twice, colleague, ["neutrophil"] * 5 + ["monocyte"] + ["lymphocyte"] * 4)
    client = Client()
    client.force_login(people.specialist)
    address = reverse("review:compare", args=[second.public_id])
    page = client.get(address).content.decode()
    assert "1 cell called differently, 1 to decide" in page
    cell = compare_readings(twice, second).differences[0].state.cell
    decide = reverse("review:decide", args=[second.public_id])
    client.post(decide, {"cell": cell.public_id, "how": "adopt", "key": "a"})
    assert latest_verdicts(twice)[cell.pk].label == "monocyte"
    assert "0 to decide" not in client.get(address).content.decode()
    assert "to decide" not in client.get(address).content.decode()


def test_keeping_is_deciding_too(people, twice, colleague):
    second = read_second(twice, colleague, ["neutrophil"] * 5 + ["monocyte"] + ["lymphocyte"] * 4)
    client = Client()
    client.force_login(people.specialist)
    cell = compare_readings(twice, second).differences[0].state.cell
    decide = reverse("review:decide", args=[second.public_id])
    client.post(decide, {"cell": cell.public_id, "how": "keep", "key": "a"})
    after = compare_readings(twice, second)
    assert after.open == 0
    assert latest_verdicts(twice)[cell.pk].label == "neutrophil"


def test_nobody_else_decides_and_no_cell_is_no_decision(people, twice, colleague):
    second = read_second(twice, colleague, ["neutrophil"] * 5 + ["monocyte"] + ["lymphocyte"] * 4)
    decide = reverse("review:decide", args=[second.public_id])
    theirs = Client()
    theirs.force_login(colleague)
    assert theirs.post(decide, {"how": "adopt"}).status_code == 403
    mine = Client()
    mine.force_login(people.specialist)
    page = mine.post(decide, {"how": "adopt"}, follow=True).content.decode()
    assert "Choose at least one cell" in page


def test_the_first_reader_does_not_see_an_unfinished_second_reading(people, twice, colleague):
    second = second_take(actor=colleague, reading=second_of(twice))
    client = Client()
    client.force_login(people.specialist)
    assert client.get(reverse("review:compare", args=[second.public_id])).status_code == 404


def test_a_second_opinion_stays_beside_the_reading(people, colleague):
    case = read_case(people.clinician, LABELS)
    reading = case_take(actor=people.specialist, case=case)
    asked = opinion_ask(actor=people.specialist, case=case, of=colleague, question="Cell 1?")
    say(asked, colleague, {0: "blast"})
    opinion_give(actor=colleague, reading=asked)
    asked.refresh_from_db()
    assert cell_states(reading)[0].label == "neutrophil"
    compared = compare_readings(reading, asked)
    assert [each.theirs.label for each in compared.differences] == ["blast"]


def test_the_agreement_page_pools_what_was_read_twice(people, twice, colleague):
    client = Client()
    client.force_login(people.specialist)
    address = reverse("review:agreement")
    assert "No case was read twice yet" in client.get(address).content.decode()
    read_second(twice, colleague, LABELS)
    page = client.get(address).content.decode()
    assert twice.case.number in page
    assert "100.0 %" in page


def test_a_share_draws_about_that_many_cases_and_the_same_ones_every_time(people):
    cases = [factories.make_case(people.clinician) for _ in range(200)]
    picked = [drawn(case, 0.3, "second") for case in cases]
    assert picked == [drawn(case, 0.3, "second") for case in cases]
    assert 35 <= sum(picked) <= 85
    assert not any(drawn(case, 0.0, "second") for case in cases)
    assert all(drawn(case, 1.0, "second") for case in cases)
    assert picked != [drawn(case, 0.3, "blind") for case in cases]


def test_a_case_has_one_primary_reading_however_often_it_is_taken(people):
    from patients.services import case_release

    case = read_case(people.clinician, LABELS)
    first = case_take(actor=people.specialist, case=case)
    case_release(actor=people.specialist, case=case)
    assert case_take(actor=people.specialist, case=case) == first == primary_reading(case)
