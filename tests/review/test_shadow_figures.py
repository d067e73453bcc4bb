"""What a shadow's page counts: agreement with the active model, and both against what was signed."""

import numpy as np
import pytest
from django.utils import timezone

from classifier import shadow_figures
from classifier.choices import ModelState, PredictionState
from classifier.compared import paired
from classifier.inference.classes import CLASSES
from classifier.inference.locked import Locked
from classifier.models import ModelVersion, Prediction
from classifier.registry import model_activate
from classifier.shadow_figures import ABSTAINED, ANSWERS, reading, stamp
from patients.services import image_remove
from review.models import Reading
from tests.classifier.shadowing import beside, make_shadow, next_class, read_along
from tests.review.conftest import read_case
from tests.review.signed import call, look_at_all, ready_to_sign, sign, signed_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def shadow(db):
    return make_shadow()


@pytest.fixture
def active(people, shadow):
    """The model of the review's cases, active."""
    read_case(people.clinician, [])
    return model_activate(version=ModelVersion.objects.get(model_id="for-tests"))


def same(row):
    return row.label


def wrong_on(*labels):
    return lambda row: next_class(row) if row.label in labels else row.label


def test_before_anything_was_read_there_is_nothing_to_compare(shadow):
    found = reading(shadow)
    assert (found.read, found.waiting, found.set_aside) == (0, 0, 0)
    assert found.beside is None
    assert found.agreement is None
    assert found.signed is None
    assert not shadow_figures.has_read(shadow)


def test_agreement_is_of_what_people_would_be_shown(people, shadow, active):
    """A class that both name, and abstaining, which is an answer of its own."""
    case = read_case(people.clinician, list(CLASSES) * 4, abstained=[19])
    read_along(shadow, case, wrong_on("basophil"))
    found = reading(shadow)
    assert found.read == 20
    assert found.beside == active
    table = found.agreement.table
    assert table.sum() == 20
    assert table[ANSWERS.index("basophil"), ANSWERS.index("eosinophil")] == 4
    assert table[ANSWERS.index(ABSTAINED), ANSWERS.index("neutrophil")] == 1
    assert found.agreement.same.count == 15
    assert found.agreement.kappa == pytest.approx((0.75 - 76 / 400) / (1 - 76 / 400))
    assert found.agreement.low < found.agreement.kappa < found.agreement.high
    assert [row["said"] for row in found.agreement.rows] == list(ANSWERS)


def test_what_waits_and_what_could_not_be_read_is_counted(people, shadow, active):
    case = read_case(people.clinician, list(CLASSES))
    first, second, *_ = Prediction.objects.of_case(case)
    beside(shadow, first)
    beside(shadow, second, state=PredictionState.QUARANTINED, attempt=3)
    found = reading(shadow)
    assert (found.read, found.waiting, found.set_aside) == (0, 1, 1)


def test_what_it_read_beside_an_earlier_model_is_not_mixed_in(people, shadow, active):
    read_along(shadow, read_case(people.clinician, list(CLASSES)), same)
    newer = ModelVersion.objects.create(
        model_id="newer", manifest_sha256="e" * 64, precision="f32", manifest={}
    )
    model_activate(version=newer)
    case = read_case(people.clinician, ["monocyte", "monocyte"])
    Prediction.objects.of_case(case).update(model_version=newer)
    read_along(shadow, case)
    found = reading(shadow)
    assert found.beside == newer
    assert (found.agreement.same.total, found.agreement.same.count) == (2, 0)
    assert found.elsewhere == 5


def test_after_a_promotion_the_figures_stay_those_of_the_model_that_it_replaced(
    people, shadow, active
):
    read_along(shadow, read_case(people.clinician, list(CLASSES)), same)
    model_activate(version=shadow)
    found = reading(shadow)
    assert found.beside == active
    assert found.agreement.same.value == 1


def signed_cases(people, shadow, how_many, says=same, labels=("neutrophil", "lymphocyte")):
    cases = []
    for _ in range(how_many):
        case = read_case(people.clinician, list(labels))
        read_along(shadow, case, says)
        signed_report(people, case)
        cases.append(case)
    return cases


def test_only_signed_cases_are_held_against_what_was_signed(people, shadow, active):
    read_along(shadow, read_case(people.clinician, ["neutrophil"]))
    assert reading(shadow).signed is None
    before = stamp(shadow)
    signed_cases(people, shadow, 1)
    found = reading(shadow).signed
    assert (found.cells, found.cases, found.known) == (2, 1, 2)
    assert (found.shadow.count, found.active.count) == (2, 2)
    assert stamp(shadow) != before


def test_the_newest_verdict_counts_and_else_the_suggestion_that_stood(people, shadow, active):
    case = read_case(people.clinician, ["neutrophil", "lymphocyte", "monocyte"])
    read_along(shadow, case, lambda row: "eosinophil" if row.label == "neutrophil" else row.label)
    held = ready_to_sign(people, case)
    call(held, people.specialist, 0, "basophil")
    call(held, people.specialist, 0, "eosinophil")
    call(held, people.specialist, 1, "blast")
    sign(held, people.specialist)
    found = reading(shadow).signed
    assert (found.cells, found.known) == (3, 2), "a blast is none of the model's classes"
    assert (found.shadow.count, found.active.count) == (2, 1)
    assert found.before == 0


def test_an_interval_waits_for_five_cases_and_is_over_whole_cases(people, shadow, active):
    signed_cases(people, shadow, 4, wrong_on("lymphocyte"))
    assert reading(shadow).signed.compared is None
    signed_cases(people, shadow, 1, same)
    found = reading(shadow).signed
    assert found.few_cases
    difference = found.compared.accuracy
    assert (difference.a, difference.b) == (1.0, pytest.approx(0.6))
    assert difference.low <= difference.difference <= difference.high
    assert difference.high <= 0


def test_cells_that_were_named_before_the_model_was_seen_are_told_apart(people, shadow, active):
    case = read_case(people.clinician, ["neutrophil", "lymphocyte"])
    read_along(shadow, case, wrong_on("neutrophil"))
    held = ready_to_sign(people, case)
    call(held, people.specialist, 0, "basophil")
    call(held, people.specialist, 0, "neutrophil")
    Reading.objects.filter(pk=held.pk).update(blind=True, committed_at=timezone.now())
    held.refresh_from_db()
    look_at_all(held, people.specialist)
    sign(held, people.specialist)
    found = reading(shadow).signed
    assert (found.known, found.before) == (2, 1)
    assert (found.before_shadow.count, found.before_active.count) == (0, 1)


def test_a_case_that_is_amended_counts_again_when_it_is_signed_again(people, shadow, active):
    (case,) = signed_cases(people, shadow, 1)
    case.refresh_from_db()
    type(case).objects.filter(pk=case.pk).update(status="in_review", reader=people.specialist)
    assert reading(shadow).signed is None


def test_a_removed_picture_is_not_held_against_anything(people, shadow, active):
    case = read_case(people.clinician, ["neutrophil", "lymphocyte", "monocyte"])
    read_along(shadow, case, same)
    image_remove(actor=people.clinician, image=case.images.first())
    signed_report(people, case)
    assert reading(shadow).signed.cells == 2


def test_the_queries_do_not_grow_with_what_was_read(
    people, shadow, active, django_assert_max_num_queries
):
    signed_cases(people, shadow, 1)
    with django_assert_max_num_queries(9):
        reading(shadow)
    signed_cases(people, shadow, 6)
    with django_assert_max_num_queries(9):
        assert reading(shadow).signed.cases == 7


def locked(wrong, cells=60):
    truth = np.arange(cells) % 5
    said = np.where(np.isin(np.arange(cells), wrong), (truth + 1) % 5, truth)
    probabilities = np.full((cells, 5), 0.05)
    probabilities[np.arange(cells), said] = 0.8
    return Locked(
        pictures=tuple((str(n), "") for n in range(cells)),
        kinds=tuple(CLASSES[n] for n in truth),
        probabilities=probabilities,
        abstained=np.zeros(cells, bool),
    )


def test_where_the_errors_of_a_case_come_together_the_interval_is_wider():
    first, second = locked([]), locked(range(12))
    alone = paired(first, second, groups=np.arange(60)).accuracy
    together = paired(first, second, groups=np.arange(60) // 12).accuracy
    assert paired(first, second).accuracy.difference == together.difference == alone.difference
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_cells_each_in_a_group_of_its_own_are_drawn_as_without_groups():
    first, second = locked(range(3)), locked(range(12))
    assert paired(first, second, groups=np.arange(60)) == paired(first, second)


def test_a_version_that_ended_keeps_its_figures(people, shadow, active):
    read_along(shadow, read_case(people.clinician, list(CLASSES)), same)
    ModelVersion.objects.filter(pk=shadow.pk).update(state=ModelState.CANDIDATE)
    shadow.refresh_from_db()
    assert reading(shadow).read == 5
    assert not reading(shadow).going_on
