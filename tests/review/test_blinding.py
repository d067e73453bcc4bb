"""What a reader must not know yet is nowhere to be found."""

import pytest
from django.test import Client
from django.urls import reverse

from review.choices import ReadingKind
from review.current import cell_states
from review.models import Reading
from review.services.policies import policy_set
from review.services.readings import case_take, reading_commit, second_take
from review.services.verdicts import Change, act_classify
from tests import factories
from tests.review.conftest import read_case

pytestmark = pytest.mark.django_db


def rules(people, **values):
    policy_set(
        actor=people.administrator, organisation=people.centre, values=values, reason="Study"
    )


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shows_answers(user, case) -> bool:
    """By the page, its live part and the interface; all three must say the same."""
    client = browser(user)
    page = client.get(case.get_absolute_url()).content.decode()
    part = client.get(
        reverse("classifier:cells", args=[case.public_id]), headers={"HX-Request": "true"}
    ).content.decode()
    api = client.get(reverse("classifier:api-cells", args=[case.public_id]))
    told = {"monocyte" in page.lower(), "monocyte" in part.lower(), api.status_code == 200}
    assert len(told) == 1, told
    return told.pop()


def commit(user, reading):
    states = cell_states(reading)
    changes = [Change(s.cell.public_id, s.label, "lymphocyte") for s in states]
    act_classify(actor=user, reading=reading, key="all", changes=changes)
    reading_commit(actor=user, reading=reading)


def test_by_default_a_specialist_sees_what_the_model_said(people):
    assert shows_answers(people.specialist, read_case(people.clinician, ["monocyte"]))


def test_a_case_to_be_read_before_the_model_shows_nothing_until_its_reader_has_committed(people):
    rules(people, read_before_model=1.0)
    case = read_case(people.clinician, ["monocyte"])
    assert not shows_answers(people.specialist, case), "before it is taken"
    assert shows_answers(people.clinician, case), "the clinician decides nothing"
    reading = case_take(actor=people.specialist, case=case)
    assert not shows_answers(people.specialist, case), "while it is read"
    commit(people.specialist, reading)
    assert shows_answers(people.specialist, case)


def test_a_blinded_second_reading_hides_the_model_from_whoever_may_still_give_it(people):
    rules(people, second_reading=1.0)
    colleague = factories.make_user("specialist", people.centre)
    third = factories.make_user("specialist", people.centre)
    case = read_case(people.clinician, ["monocyte"])
    reading = case_take(actor=people.specialist, case=case)
    assert shows_answers(people.specialist, case), "the first reader reads with the model"
    assert not shows_answers(colleague, case)
    second = Reading.objects.get(case=reading.case, kind=ReadingKind.SECOND)
    second_take(actor=colleague, reading=second)
    assert not shows_answers(colleague, case)
    assert shows_answers(third, case), "somebody else reads it now"
    commit(colleague, second)
    assert shows_answers(colleague, case)
