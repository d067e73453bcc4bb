"""Figures about answering and not answering, and about single attributes."""

import numpy as np
import pytest

from classifier.inference import merit
from ml import metrics
from ml.attributes import ATTRIBUTES, WIDTH
from ml.summary import attributes

LABELS = np.array([0, 1, 2, 3, 4, 0])
SURE = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])


def answers(right: list[bool]) -> np.ndarray:
    """(6, 5) probabilities: cell i is answered with confidence SURE[i], rightly or not."""
    found = np.repeat((1 - SURE)[:, np.newaxis] / 4, 5, axis=1)
    for row, good in enumerate(right):
        found[row, LABELS[row] if good else (LABELS[row] + 1) % 5] = SURE[row]
    return found


def test_risk_grows_as_the_unsure_are_answered_too():
    coverage, risk = merit.risk_coverage(LABELS, answers([True] * 4 + [False] * 2))
    assert np.allclose(coverage, np.arange(1, 7) / 6)
    assert np.allclose(risk, [0, 0, 0, 0, 1 / 5, 2 / 6])


def test_errors_among_the_sure_cost_more():
    late = metrics.generalised_risk(LABELS, answers([True] * 4 + [False] * 2))
    early = metrics.generalised_risk(LABELS, answers([False] * 2 + [True] * 4))
    assert 0 < late < early
    assert metrics.generalised_risk(LABELS, answers([True] * 6)) == 0


def test_the_area_under_roc_is_one_where_a_class_is_told_apart_and_none_where_it_is_absent():
    probabilities = answers([True] * 6)
    areas = metrics.areas_under_roc(LABELS, probabilities)
    assert areas["eosinophil"] == pytest.approx(1)
    few = metrics.areas_under_roc(LABELS[1:5], probabilities[1:5])
    assert few["basophil"] is None


def test_the_error_of_the_surest_is_that_of_the_first_four_fifths():
    assert metrics.selective_error(LABELS, answers([True] * 4 + [False] * 2)) == pytest.approx(
        1 / 5
    )
    assert metrics.selective_error(LABELS, answers([False] + [True] * 5)) == pytest.approx(1 / 5)


def test_attributes_are_counted_where_they_are_known():
    known = np.zeros((3, WIDTH), np.float32)
    known[0, 0] = known[1, 1] = 1  # cell_size: small, big; nothing of the third cell
    seen = [{"cell_size": "small"}, {"cell_size": "small"}, {"cell_size": "big"}]
    assert next(iter(ATTRIBUTES)) == "cell_size"
    found = attributes(known, seen)
    assert list(found["attributes"]) == ["cell_size"]
    row = found["attributes"]["cell_size"]
    assert (row["cells"], row["accuracy"], row["commonest_value"]) == (2, 0.5, 0.5)
    assert row["accuracy_interval"] == (0, 1)
    assert found["attributes_mean"]["accuracy"] == 0.5


def test_the_mean_over_attributes_weighs_them_alike():
    known = np.zeros((4, WIDTH), np.float32)
    known[:, 0] = 1  # cell_size is known of all cells
    known[0, 2] = 1  # cell_shape of one
    seen = [{"cell_size": "small", "cell_shape": "irregular"}] + [{"cell_size": "small"}] * 3
    assert attributes(known, seen)["attributes_mean"]["accuracy"] == 0.5


def test_where_no_attribute_is_known_none_is_reported():
    assert attributes(np.zeros((3, WIDTH), np.float32), [{}] * 3) == {}
