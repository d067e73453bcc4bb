"""What readers differ on, and which cells are worth reading: each person sees what is theirs."""

import numpy as np
import pytest

from classifier.models import Prediction
from datasets.disagreements import counted, disagreements
from datasets.usefulness import most_useful, rank
from review.models import Reading
from review.services.policies import policy_set
from review.services.readings import case_take, opinion_ask, opinion_give
from tests import factories
from tests.datasets import sets
from tests.review.signed import call

pytestmark = pytest.mark.django_db
RNG = np.random.default_rng(3)


def open_case(clinician, labels, *, first, **answers):
    """A case that the model has read and nobody has signed."""
    from django.utils import timezone

    case = factories.make_case(clinician, status="ready", submitted_at=timezone.now())
    for place, label in enumerate(labels):
        sets.stored_cell(case, place, label, seed=first + place, **answers)
    return case


def place_of(*values: float) -> bytes:
    return np.array(values, "<f2").tobytes()


@pytest.fixture
def disputed(people):
    """Two cells that a colleague calls otherwise; the first reader has decided on one since."""
    case = open_case(people.clinician, ["monocyte"] * 3, first=1)
    reading = case_take(actor=people.specialist, case=case)
    colleague = factories.make_user("specialist", people.centre, name="Dr Second")
    asked = opinion_ask(actor=people.specialist, case=reading.case, of=colleague, question="Sure?")
    for place, label in enumerate(["lymphocyte", "blast", "monocyte"]):
        call(asked, colleague, place, label)
    opinion_give(actor=colleague, reading=asked)
    call(reading, people.specialist, 0, "neutrophil")
    return asked


def test_what_readers_differ_on_is_listed_until_somebody_decides(people, disputed, client):
    (found,) = disagreements(people.specialist)
    assert (found.own, found.theirs) == ("monocyte", "blast")
    client.force_login(people.specialist)
    page = client.get("/labelling/disagreements").content.decode()
    assert disputed.case.number in page
    assert "Dr Second" in page


def test_nobody_sees_the_disagreements_of_others(people, disputed, client):
    assert disagreements(people.other_specialist) == []
    client.force_login(people.other_specialist)
    page = client.get("/labelling/disagreements").content.decode()
    assert disputed.case.number not in page


def test_an_administrator_sees_how_many_and_no_case(people, disputed, browser):
    assert counted(disagreements(people.administrator)) == [("blast", "monocyte", 1)]
    page = browser.get("/labelling/disagreements").content.decode()
    assert "1 cell<" in page
    assert disputed.case.number not in page
    assert "/images/" not in page


def test_a_reader_who_is_to_read_blind_is_told_nothing(people, disputed):
    Reading.objects.create(case=disputed.case, kind="second", blind=True)
    assert disagreements(people.specialist) == []
    assert len(disagreements(people.administrator)) == 1


def test_disagreements_need_as_many_queries_for_many_cells(
    people, disputed, django_assert_max_num_queries
):
    with django_assert_max_num_queries(8):
        disagreements(people.specialist)


# Worth reading


def test_the_unsure_and_the_unlike_come_first():
    sure, unsure = [0.96, 0.01, 0.01, 0.01, 0.01], [0.2] * 5
    probabilities = np.array([sure, unsure, sure, sure])
    places = np.array([[0, 0], [0, 0.1], [9, 9], [0.1, 0]], np.float32)
    known = np.array([[0, 0.05], [0.05, 0]], np.float32)
    order = rank(probabilities, places, known, most=4)
    assert {row for row, _, _ in order[:2]} == {1, 2}
    assert order[0][1] == pytest.approx(1.0) or order[1][1] == pytest.approx(1.0)


def test_twins_of_what_was_chosen_come_last():
    probabilities = np.tile([0.5, 0.5], (3, 1))
    places = np.array([[5, 5], [5, 5], [4, 0]], np.float32)
    order = rank(probabilities, places, np.zeros((1, 2), np.float32), most=3)
    assert [row for row, _, _ in order] == [0, 2, 1]
    assert order[2][2] == pytest.approx(0.0)


@pytest.mark.parametrize("known", [0, 3])
def test_every_cell_is_ranked_once_whatever_is_known(known):
    probabilities = RNG.dirichlet(np.ones(5), 20)
    places = RNG.normal(size=(20, 8)).astype(np.float32)
    order = rank(probabilities, places, places[:known], most=50)
    assert sorted(row for row, _, _ in order) == list(range(20))
    assert all(0 <= value <= 1 for _, *both in order for value in both)


def test_nothing_is_ranked_of_nothing():
    empty = np.zeros((0, 0), np.float32)
    assert rank(empty, empty, empty, most=5) == []


def test_unsigned_cells_are_shown_with_their_case_to_who_may_open_it(people, client):
    case = open_case(people.clinician, ["monocyte", "blast"][:1], first=1, embedding=place_of(1, 2))
    client.force_login(people.specialist)
    page = client.get("/labelling/next").content.decode()
    assert case.number in page
    client.force_login(people.other_specialist)
    page = client.get("/labelling/next").content.decode()
    assert case.number not in page
    assert "Nothing to read" in page


def test_what_is_read_before_the_model_is_not_shown(people):
    open_case(people.clinician, ["monocyte"], first=1, embedding=place_of(1, 2))
    assert len(most_useful(people.specialist).chosen) == 1
    policy_set(
        actor=people.administrator,
        organisation=people.centre,
        values={"read_before_model": 1.0},
        reason="All of them.",
    )
    assert most_useful(people.specialist).chosen == []


def test_signed_cells_are_what_is_known_and_never_shown(people):
    case = sets.signed_case(people, ["monocyte"], first=1)
    Prediction.objects.filter(cell__image__case=case).update(embedding=place_of(0, 0))
    open_case(people.clinician, ["monocyte"], first=50, embedding=place_of(1, 2))
    open_case(people.clinician, ["monocyte"], first=60, embedding=b"\0\0")  # another model's size
    found = most_useful(people.specialist)
    assert (found.candidates, found.known, len(found.chosen)) == (1, 1, 1)
    assert {each.prediction.cell.image.case.status for each in found.chosen} == {"ready"}


def test_an_administrator_sees_pictures_of_consenting_organisations_alone(people, browser):
    case = open_case(people.clinician, ["monocyte"], first=1, embedding=place_of(1, 2))
    cell = case.images.get().cells.get()
    assert "No organisation consents" in browser.get("/labelling/next").content.decode()
    assert browser.get(f"/labelling/next/{cell.public_id}").status_code == 404
    sets.consent(people, people.clinic)
    page = browser.get("/labelling/next").content.decode()
    assert str(cell.public_id) in page
    assert case.number not in page
    shown = browser.get(f"/labelling/next/{cell.public_id}")
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/jpeg")


def test_a_picture_that_may_have_writing_in_it_is_not_shown_to_an_administrator(people, browser):
    case = open_case(people.clinician, ["monocyte"], first=1, embedding=place_of(1, 2))
    case.images.update(warnings=["possible_text"])
    sets.consent(people, people.clinic)
    cell = case.images.get().cells.get()
    assert str(cell.public_id) not in browser.get("/labelling/next").content.decode()
    assert browser.get(f"/labelling/next/{cell.public_id}").status_code == 404
