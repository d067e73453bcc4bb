"""Intervals: as wide as they should be, and the same as a plain loop would give."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from ml import intervals, metrics
from ml.summary import summary


@pytest.fixture(scope="module")
def cells():
    """60 cells with ties, one class rare: labels, probabilities."""
    rng = np.random.default_rng(3)
    labels = np.concatenate([[0, 0], rng.integers(1, 5, 58)])
    logits = rng.normal(0, 1, (60, 5))
    logits[np.arange(60), labels] += 1
    powers = np.exp(np.round(logits, 1))
    return labels, powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture
def few(monkeypatch):
    """Resamples, so few that a plain loop over them takes no time."""
    monkeypatch.setattr(intervals, "RESAMPLES", 40)
    return intervals.resample(60)


def loop(figure, labels, probabilities):
    """The interval of the same resamples, one by one, cell by cell."""
    found = []
    for counts in intervals.resample(len(labels)).astype(int):
        rows = np.repeat(np.arange(len(labels)), counts)
        found.append(figure(labels[rows], probabilities[rows]))
    return pytest.approx(np.nanquantile(found, [0.025, 0.975]), abs=1e-5)


def test_every_resample_has_as_many_cells_as_the_set():
    draws = intervals.resample(40)
    assert draws.shape == (intervals.RESAMPLES, 40)
    assert (draws.sum(axis=1) == 40).all()
    assert (draws == intervals.resample(40)).all(), "the seed is fixed"
    assert draws.mean(axis=0) == pytest.approx(1, abs=0.1)


def test_figures_of_all_resamples_at_once_are_those_of_a_loop(cells, few):
    labels, probabilities = cells
    predicted = probabilities.argmax(axis=1)
    found = intervals.of_classes(few, labels, predicted)

    def macro_f1(truth, said):
        there = np.unique(truth)
        return f1_score(truth, said.argmax(axis=1), labels=there, average="macro", zero_division=0)

    def balanced(truth, said):
        return balanced_accuracy_score(truth, said.argmax(axis=1))

    assert found["macro_f1"] == loop(macro_f1, labels, probabilities)
    assert intervals.of_calibration(few, labels, probabilities) == loop(
        metrics.calibration_error, labels, probabilities
    )
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        assert found["balanced_accuracy"] == loop(balanced, labels, probabilities)


def test_areas_of_all_resamples_at_once_are_those_of_a_loop(cells, few):
    labels, probabilities = cells
    found = intervals.of_areas(few, labels, probabilities)

    def area(truth, said):
        own = truth == 3
        return roc_auc_score(own, said[:, 3]) if own.any() else np.nan

    assert found["monocyte"] == loop(area, labels, probabilities)


def test_the_error_of_the_surest_is_that_of_a_loop(cells, few):
    labels, probabilities = cells
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    labels, probabilities = labels[order], probabilities[order]
    found = intervals.of_selection(few, labels, probabilities, 0.8)
    # A cell drawn twice stands or falls as a whole where the coverage is reached.
    low, high = np.array(found["error"])
    expected = loop(metrics.selective_error, labels, probabilities).expected
    assert (low, high) == pytest.approx(expected, abs=0.02)
    assert found["error_of_all"][0] <= (probabilities.argmax(axis=1) != labels).mean()


def test_a_figure_lies_in_its_interval(cells):
    labels, probabilities = cells
    found = summary(labels, probabilities, probabilities.max(axis=1) < 0.4)
    keys = [key.removesuffix("_interval") for key in found if key.endswith("_interval")]
    assert {"accuracy", "balanced_accuracy", "macro_f1", "loss", "brier", "abstained"} <= set(keys)
    for key in keys:
        low, high = found[f"{key}_interval"]
        assert low <= high
        if key != "calibration_error":  # which leans upwards
            assert low <= found[key] <= high, key
    for name, ends in found["areas_under_roc_intervals"].items():
        assert ends[0] <= found["areas_under_roc"][name] <= ends[1]


def test_a_class_that_is_absent_has_no_interval_and_warns_of_nothing():
    labels, probabilities = np.array([0, 0, 1]), np.eye(5)[[0, 0, 1]] * 0.9 + 0.02
    found = summary(labels, probabilities, np.ones(3, bool))
    assert found["areas_under_roc_intervals"]["monocyte"] is None
    assert found["selective"]["ratio"] is None
    assert found["answered"] == {"cells": 0, "accuracy": None, "accuracy_interval": None}


def test_a_share_of_nothing_or_everything_still_has_a_width():
    low, high = intervals.share(30, 30)
    assert (low, high) == pytest.approx((0.8865, 1), abs=1e-4)  # Wilson, 95 %
    assert intervals.share(0, 30)[0] == 0
    assert intervals.share(0, 0) is None
    assert intervals.share(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def test_a_thousand_cells_more_make_an_interval_narrower(cells):
    labels, probabilities = cells
    many = np.tile(labels, 16), np.tile(probabilities, (16, 1))
    one = summary(labels, probabilities, np.zeros(60, bool))["accuracy_interval"]
    other = summary(*many, np.zeros(960, bool))["accuracy_interval"]
    assert one[1] - one[0] > 3 * (other[1] - other[0])
