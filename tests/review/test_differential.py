"""The differential: Rümke's table to the digit, SciPy on random tables, and what counts as what."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binomtest

from review.choices import LEUKOCYTES, OUTSIDE, Label
from review.differential import (
    case_differential,
    compare,
    differential,
    model_differential,
    nrbc_per_100,
)
from review.policy import Policy
from review.services.readings import case_take
from review.services.verdicts import Change, act_classify
from tests.review.conftest import read_case

# CLINICAL: count of cells, and the ends of the interval in percent.
VECTORS = (
    (0, 100, "0", "3.62"), (1, 100, "0.03", "5.45"), (5, 100, "1.64", "11.28"),
    (6, 100, "2.23", "12.60"), (9, 100, "4.20", "16.40"), (60, 100, "49.72", "69.67"),
    (0, 200, "0", "1.83"), (10, 200, "2.42", "9.00"), (60, 200, "23.74", "36.86"),
    (15, 500, "1.69", "4.90"),
)  # fmt: skip


def counted(counts, *, wbc=None, age=40, policy=None):
    return differential(
        counts,
        total_wbc=None if wbc is None else Decimal(wbc),
        policy=policy or Policy(),
        age=age,
    )


def of(count, n, **more):
    """So many eosinophils among so many leukocytes."""
    return counted({"eosinophil": count, "neutrophil": n - count}, **more).row("eosinophil")


@pytest.mark.parametrize(("count", "n", "low", "high"), VECTORS)
def test_intervals_are_those_of_ruemkes_table_to_the_digit(count, n, low, high):
    row = of(count, n)
    assert f"{row.low:.2f}".removesuffix(".00") == low
    assert f"{row.high:.2f}" == high
    assert row.percent == pytest.approx(100 * count / n)


@settings(deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_equal_scipy_on_random_counts(pair):
    count, n = pair
    row = of(count, n)
    low = 0 if count == 0 else beta.ppf(0.025, count, n - count + 1)
    high = 1 if count == n else beta.ppf(0.975, count + 1, n - count)
    assert (row.low, row.high) == pytest.approx((100 * low, 100 * high), abs=1e-6)
    exact = binomtest(count, n).proportion_ci(0.95, "exact")
    assert (row.low, row.high) == pytest.approx((100 * exact.low, 100 * exact.high), abs=1e-6)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 300))
def test_erythroblasts_are_a_ratio_with_an_exact_interval(count, n):
    """The ratio's end r is where SciPy's binomial test of r / (1 + r) just stops refusing."""
    nrbc = nrbc_per_100(count, n)
    assert nrbc.per_100 == pytest.approx(100 * count / n)
    exact = binomtest(count, count + n).proportion_ci(0.95, "exact")
    for end, share in ((nrbc.low, exact.low), (nrbc.high, exact.high)):
        assert end / 100 / (1 + end / 100) == pytest.approx(share, abs=1e-6)
    assert nrbc.low <= nrbc.per_100 <= nrbc.high


def test_erythroblasts_without_leukocytes_are_per_nothing():
    assert counted({"erythroblast": 4}).nrbc is None


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(Label.values), st.integers(0, 60)))
def test_only_classified_leukocytes_are_counted(counts):
    result = counted(counts)
    assert result.n == sum(counts.get(label, 0) for label in LEUKOCYTES)
    assert [row.label for row in result.rows] == list(LEUKOCYTES)
    if result.n:
        assert sum(row.percent for row in result.rows) == pytest.approx(100)
    assert dict(result.outside) == {label: counts[label] for label in OUTSIDE if counts.get(label)}
    assert result.unidentified == counts.get("unidentified", 0)
    assert result.missing == max(0, 100 - result.n)


def test_the_target_is_the_organisations():
    assert counted({"neutrophil": 120}, policy=Policy(target_cells=200)).missing == 80


def test_an_absolute_count_is_the_wbc_times_the_proportion_with_its_interval():
    row = of(6, 100, wbc="7.2")
    assert row.absolute == pytest.approx(0.432)
    assert row.absolute_low == pytest.approx(7.2 * row.low / 100)
    assert row.absolute_high == pytest.approx(7.2 * row.high / 100)
    assert row.absolute_interval == "0.16-0.91"


def test_without_a_wbc_or_without_cells_there_is_no_absolute_count():
    assert of(6, 100).absolute is None
    empty = counted({"unidentified": 3}, wbc="7.2")
    assert all(row.absolute is None and row.percent is None for row in empty.rows)
    assert {(row.low, row.high) for row in empty.rows} == {(0.0, 100.0)}


@pytest.mark.parametrize(
    ("age", "group"), [(40, "Adults"), (None, "Adults"), (18, "Adults"), (17, "")]
)
def test_ranges_are_those_of_the_age_group_and_an_unknown_age_is_an_adults(age, group):
    result = counted({"neutrophil": 100}, age=age)
    assert result.age_group == group
    usual = result.row("neutrophil").range_percent
    assert usual == ((Decimal(45), Decimal(79)) if group else None)


@pytest.mark.parametrize("counts", [{"zebra": 1}, {"neutrophil": -1}])
def test_a_label_that_does_not_exist_and_a_count_below_nothing_are_refused(counts):
    with pytest.raises(ValueError, match="cells of"):
        counted(counts)


def test_as_json_it_is_rounded_and_whole():
    data = counted({"neutrophil": 2, "eosinophil": 1, "erythroblast": 1}, wbc="7.20").as_dict()
    eosinophils = next(row for row in data["rows"] if row["label"] == "eosinophil")
    assert eosinophils["percent"] == 33.3333
    assert eosinophils["absolute"] == 2.4
    assert eosinophils["range_absolute"] == [0.0, 0.45]
    assert eosinophils["flag"] == "eosinophils_review"
    assert data["nrbc"] == {"count": 1, "per_100": 33.3333, "low": 0.635, "high": 415.1441}
    assert (data["n"], data["missing"], data["total_wbc"], data["rules"]) == (
        3, 97, 7.2, "house defaults",
    )  # fmt: skip


# The correction against counting error -------------------------------------------------------


def corrections(ai, signed):
    return {one.label: one.beyond_counting for one in compare(counted(ai), counted(signed))}


def test_a_correction_beyond_each_others_interval_exceeds_counting_error():
    ai, signed = {"neutrophil": 70, "lymphocyte": 30}, {"neutrophil": 50, "lymphocyte": 50}
    assert corrections(ai, signed) == {"neutrophil": True, "lymphocyte": True}


def test_a_correction_within_the_interval_is_counting_error():
    ai, signed = {"neutrophil": 60, "lymphocyte": 40}, {"neutrophil": 54, "lymphocyte": 46}
    assert corrections(ai, signed) == {"neutrophil": False, "lymphocyte": False}


def test_one_basophil_more_than_none_is_counting_error_and_ten_are_not():
    assert corrections({"neutrophil": 100}, {"neutrophil": 99, "basophil": 1})["basophil"] is False
    assert corrections({"neutrophil": 100}, {"neutrophil": 90, "basophil": 10})["basophil"] is True


def test_what_was_not_changed_is_no_correction():
    same = {"neutrophil": 60, "lymphocyte": 40}
    assert corrections(same, same) == {}
    # Only cells outside the differential moved.
    assert corrections(same, same | {"artefact": 3}) == {}


def test_a_model_that_named_nothing_is_not_compared_as_if_it_had():
    (one,) = compare(counted({"unidentified": 10}), counted({"neutrophil": 10}))[:1]
    assert one.beyond_counting is False
    assert one.sentence == (
        "Neutrophil: none suggested, 100 % (69.2-100) read; within counting error"
    )


@settings(deadline=None)
@given(*[st.tuples(*[st.integers(0, 120)] * 3)] * 2)
def test_beyond_counting_error_means_that_scipys_exact_test_refuses_each_by_the_other(one, other):
    labels = ("neutrophil", "lymphocyte", "eosinophil")
    ai, signed = (counted(dict(zip(labels, counts, strict=True))) for counts in (one, other))
    for correction in compare(ai, signed):
        expected = bool(ai.n and signed.n) and all(
            _refused(count, n, share)
            for count, n, share in (
                (ai.row(correction.label).count, ai.n, correction.reader.percent / 100),
                (signed.row(correction.label).count, signed.n, correction.model.percent / 100),
            )
        )
        assert correction.beyond_counting is expected


def _refused(count, n, share):
    """Either tail is below 2.5 %, if the proportion were ``share``."""
    tails = [binomtest(count, n, share, side).pvalue for side in ("less", "greater")]
    return min(tails) < 0.025


# From the database -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_cases_differential_is_of_the_labels_that_its_cells_have_now(people, case):
    reading = case_take(actor=people.specialist, case=case)
    assert model_differential(case).unidentified == 1
    cell = case.images.get(position=10).cells.get()
    act_classify(
        actor=people.specialist, reading=reading, key="k1",
        changes=[Change(cell.public_id, "unidentified", "blast")],
    )  # fmt: skip
    result = case_differential(reading)
    assert (result.n, result.unidentified, result.row("blast").count) == (10, 0, 1)
    assert (model_differential(case).n, model_differential(case).row("blast").count) == (9, 0)


@pytest.mark.django_db
def test_a_removed_picture_and_a_cell_without_an_answer_are_not_counted(people, case):
    from django.utils import timezone

    from classifier.models import Prediction

    case.images.filter(position=1).update(removed_at=timezone.now())
    Prediction.objects.filter(cell__image__position=2).delete()
    result = model_differential(case)
    assert (result.n, result.unidentified, result.row("basophil").count) == (7, 2, 0)


@pytest.mark.django_db
def test_its_rules_are_the_referring_organisations_and_its_age_that_at_submission(people):
    from datetime import date, timedelta

    from review.services.policies import policy_set
    from tests import factories

    policy_set(
        actor=people.administrator, organisation=people.clinic, reason="Own custom.",
        values={"target_cells": 200},
    )  # fmt: skip
    birth = date.today() - timedelta(days=365 * 30)
    patient = factories.make_patient(people.clinic, birth_date=birth)
    case = read_case(people.clinician, ["neutrophil"], patient=patient, total_wbc=Decimal("5"))
    result = case_differential(case_take(actor=people.specialist, case=case))
    assert result.rules == f"{people.clinic.name}, rules 1"
    assert (result.target, result.age, result.row("neutrophil").absolute) == (200, 29, 5.0)
