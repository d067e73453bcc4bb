"""Curves and figures of a locked set: the ones that scikit-learn gives."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)

from classifier import measures
from classifier.inference import CLASSES
from tests.classifier.test_compared import made, slow_ece


@pytest.fixture
def locked():
    """Some of its scores are tied, as five digits make them."""
    one = made(400)
    rounded = one.probabilities.round(2)
    return replace(one, probabilities=rounded / rounded.sum(axis=1, keepdims=True))


def test_precision_recall_f1_and_support_are_the_ones_that_another_library_gives(locked):
    table = measures.confusion(locked)
    assert (table == confusion_matrix(locked.truth, locked.predicted)).all()
    rows = measures.class_rows(table, {})
    expected = precision_recall_fscore_support(locked.truth, locked.predicted)
    found = [[r.precision.value, r.recall.value, r.f1, r.support] for r in rows]
    assert np.array(found) == pytest.approx(np.array(expected).T)
    for row in rows:
        for share in (row.precision, row.recall):
            assert share.interval[0] < share.value < share.interval[1]
        assert row.f1_interval[0] < row.f1 < row.f1_interval[1]


def test_areas_are_the_ones_that_another_library_gives_ties_and_all(locked):
    for place, _ in enumerate(CLASSES):
        own, scores = locked.truth == place, locked.probabilities[:, place]
        assert measures.roc(own, scores).area == pytest.approx(roc_auc_score(own, scores))
        found = measures.precision_recall(own, scores)
        assert found.area == pytest.approx(average_precision_score(own, scores))
        assert found.x[-1] == 1
        assert (np.diff(found.x) >= 0).all()


def test_a_class_that_is_everything_or_nothing_has_no_curve():
    for own in (np.zeros(4, bool), np.ones(4, bool)):
        assert measures.roc(own, np.arange(4) / 4) is None
        assert measures.precision_recall(own, np.arange(4) / 4) is None


def test_the_bins_of_confidence_hold_all_cells_and_their_gaps_are_the_calibration_error(locked):
    bins = measures.reliability(locked)
    assert sum(one.right.total for one in bins) == 400
    assert sum(one.share for one in bins) == pytest.approx(1)
    assert all(one.low <= one.confidence <= one.high for one in bins)
    assert measures.calibration_error(bins) == pytest.approx(slow_ece(locked))


def test_answering_everything_risks_the_share_that_is_wrong(locked):
    curve = measures.risk_coverage(locked)
    wrong = locked.predicted != locked.truth
    assert (curve.x[-1], curve.y[-1]) == (1, pytest.approx(wrong.mean()))
    surest = np.argsort(-locked.probabilities.max(axis=1), kind="stable")[:100]
    assert curve.y[99] == pytest.approx(wrong[surest].mean())


def test_cells_of_no_class_are_set_aside_and_still_counted_by_what_they_were_taken_for():
    mixed = made(300, kinds=("neutrophil", "platelet", "ig"))
    only = measures.known(mixed)
    assert set(only.kinds) == {"neutrophil"}
    assert len(only.pictures) == len(only.probabilities) == len(only.abstained)
    found = measures.taken_for(mixed)
    assert list(found) == ["neutrophil", "ig", "platelet"]
    assert sum(int(said.sum()) for said, _ in found.values()) == 300
    assert sum(abstained for _, abstained in found.values()) == mixed.abstained.sum()


def test_a_class_without_cells_has_no_recall_and_no_f1():
    table = np.zeros((5, 5), np.int64)
    table[0, 0] = 3
    first, second, *_ = measures.class_rows(table, {})
    assert (first.recall.value, first.f1) == (1, 1)
    assert (second.recall.value, second.precision.value, second.f1) == (None, None, None)
    assert all(row.f1 is None for row in measures.class_rows(table * 0, {}))
