"""Agreement of two readers: scikit-learn's kappa, the delta method's interval, and the edges."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from review.agreement import agreement
from review.choices import Label

LABELS = ("basophil", "eosinophil", "lymphocyte", "monocyte")
PAIRS = st.lists(st.tuples(*[st.sampled_from(LABELS)] * 2), min_size=1, max_size=120)


def readers(table, labels=LABELS):
    """Two sequences of labels with this confusion table."""
    pairs = [
        (labels[i], labels[j])
        for i, row in enumerate(table)
        for j, n in enumerate(row)
        for _ in range(n)
    ]
    return [one for one, _ in pairs], [other for _, other in pairs]


@settings(deadline=None)
@given(PAIRS)
def test_kappa_and_table_equal_scikit_learn_on_random_readings(pairs):
    first, second = zip(*pairs, strict=True)
    result = agreement(first, second)
    assume(result.kappa is not None)
    assert result.kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)
    assert result.table == tuple(
        map(tuple, confusion_matrix(first, second, labels=list(result.labels)).tolist())
    )
    exact = binomtest(result.agreed, result.n).proportion_ci(0.95, "exact")
    assert (result.low, result.high) == pytest.approx((100 * exact.low, 100 * exact.high), abs=1e-6)
    assert -1 <= result.kappa_low <= result.kappa + 1e-9
    assert result.kappa - 1e-9 <= result.kappa_high <= 1


def numeric_error(table):
    """The delta method by differences: kappa's gradient through a multinomial's covariance."""
    p = np.array(table, float)
    n = p.sum()
    p /= n

    def kappa(q):
        po, pe = np.trace(q), q.sum(1) @ q.sum(0)
        return (po - pe) / (1 - pe)

    gradient = np.zeros_like(p)
    for place in np.ndindex(*p.shape):
        step = np.zeros_like(p)
        step[place] = 1e-6
        gradient[place] = (kappa(p + step) - kappa(p - step)) / 2e-6
    variance = (p * gradient**2).sum() - (p * gradient).sum() ** 2
    return sqrt(max(0.0, variance) / n)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=3, max_size=3))
def test_the_intervals_standard_error_is_the_delta_methods(table):
    result = agreement(*readers(table))
    assume(result.kappa is not None)
    error = numeric_error(table)
    assume(error > 1e-4)
    if result.kappa_low > -1 and result.kappa_high < 1:
        assert (result.kappa_high - result.kappa_low) / 2 == pytest.approx(
            1.959964 * error, rel=1e-3
        )


def test_the_example_of_fleiss_levin_and_paik():
    """Statistical Methods for Rates and Proportions, 18.1: kappa .68, standard error .087."""
    result = agreement(*readers([[75, 1, 4], [5, 4, 1], [0, 0, 10]]))
    assert result.kappa == pytest.approx(0.676, abs=0.001)
    assert (result.kappa_high - result.kappa) / 1.96 == pytest.approx(0.087, abs=0.001)
    assert (round(result.kappa_low, 2), round(result.kappa_high, 2)) == (0.50, 0.85)
    assert result.percent == 89


def test_no_cells_agree_on_nothing():
    result = agreement([], [])
    assert (result.n, result.percent, result.kappa, result.kappa_low, result.table) == (
        0, None, None, None, (),
    )  # fmt: skip
    assert (result.low, result.high) == (0, 100)


def test_one_class_alone_has_a_percentage_and_no_kappa():
    result = agreement(["neutrophil"] * 50, ["neutrophil"] * 50)
    assert (result.percent, result.kappa, result.kappa_high) == (100, None, None)
    assert result.low == pytest.approx(92.89, abs=0.01)


def test_perfect_agreement_is_not_perfect_certainty():
    result = agreement(*readers([[5, 0], [0, 5]]))
    assert (result.kappa, result.kappa_high) == (1, 1)
    assert result.kappa_low == pytest.approx(0.383, abs=0.001)
    surer = agreement(*readers([[50, 0], [0, 50]]))
    assert result.kappa_low < surer.kappa_low < 1


def test_agreement_by_chance_alone_is_nought():
    assert agreement(*readers([[25, 25], [25, 25]])).kappa == pytest.approx(0)


def test_two_readers_who_never_agree_are_below_chance():
    result = agreement(*readers([[0, 20], [20, 0]]))
    assert (result.percent, result.kappa, result.kappa_low) == (0, -1, -1)


def test_labels_come_in_the_order_of_the_house():
    result = agreement(["artefact", "blast"], ["neutrophil", "basophil"])
    assert list(result.labels) == sorted(result.labels, key=Label.values.index)
    assert result.rows[0][0] == "basophil"
    assert sum(map(sum, result.as_dict()["table"])) == 2


def test_sequences_of_different_length_are_refused():
    with pytest.raises(ValueError, match="cannot be compared"):
        agreement(["blast"], [])
