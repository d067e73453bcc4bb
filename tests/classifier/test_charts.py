"""Where things lie on a chart."""

import re

import numpy as np
import pytest

from classifier import charts, drawn
from classifier.charts import Axis
from classifier.measures import known, reliability
from classifier.stated import Epoch
from tests.classifier.test_compared import made

UNIT = Axis("share", 0.0, 1.0)


def points(path):
    return [tuple(map(float, pair.split())) for pair in re.split("[ML]", path) if pair]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.9, 1, [0.9, 0.92, 0.94, 0.96, 0.98, 1]),
        (0, 0.008, [0, 0.002, 0.004, 0.006, 0.008]),
        (1, 58, [20, 40]),
        (0, 1.5, [0, 0.5, 1, 1.5]),
    ],
)
def test_ticks_are_round_and_between_the_ends(low, high, expected):
    axis = Axis("x", low, high)
    assert axis.ticks() == pytest.approx(expected)
    assert all("e" not in axis.text(tick) and "-" not in axis.text(tick) for tick in axis.ticks())


@pytest.mark.parametrize("value", [0.0007, 0.001, 0.31, 1, 1.83, 9.5, 1234])
def test_the_end_of_an_axis_is_a_round_number_at_or_above_the_value(value):
    top = charts.nice_top(value)
    assert value <= top <= 2 * value


def test_an_axis_of_nothing_has_an_end():
    assert charts.nice_top(0) == charts.nice_top(float("nan")) == 1


def test_a_path_leaves_out_what_lies_on_the_way():
    straight = charts.path(np.linspace(0, 1, 1000), np.zeros(1000), axes=(UNIT, UNIT))
    ends = [(charts.LEFT, charts.BOTTOM), (charts.RIGHT, charts.TOP)]
    assert points(straight) == [ends[0], (charts.RIGHT, charts.BOTTOM)]
    bent = charts.path(np.array([0, 0, 1.0]), np.array([0, 1.0, 1]), axes=(UNIT, UNIT))
    assert points(bent) == [ends[0], (charts.LEFT, charts.TOP), ends[1]]


def test_a_path_that_turns_back_keeps_its_turn():
    there = charts.path(np.array([0, 0, 0.0]), np.array([0, 1.0, 0.5]), axes=(UNIT, UNIT))
    assert len(points(there)) == 3


def test_a_curve_of_a_hundred_thousand_cells_is_no_longer_than_the_sheet_is_fine():
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.random(100_000)), np.sort(rng.random(100_000))
    assert len(charts.path(x, y, axes=(UNIT, UNIT))) < 60_000


def test_an_enlarged_corner_is_cut_off_exactly_at_its_edge():
    x, y = np.array([0, 0.05, 0.5, 1]), np.array([0, 0.5, 0.8, 1])
    cut_x, cut_y = charts.within(x, y, Axis("x", 0.0, 0.1))
    assert cut_x.tolist() == [0, 0.05, 0.1]
    assert cut_y[-1] == pytest.approx(0.5 + 0.3 * 0.05 / 0.45)
    cut_x, cut_y = charts.within(x, y, Axis("x", 0.9, 1.0))
    assert cut_x.tolist() == [0.9, 1]


def test_points_that_speak_are_spread_along_the_curve():
    assert charts.spread(3).tolist() == [0, 1, 2]
    found = charts.spread(1000)
    assert (len(found), found[0], found[-1]) == (charts.MOST_MARKS, 0, 999)
    x = np.concatenate([np.zeros(900), np.linspace(0, 1, 100)])
    assert (charts.spread_along(x, x) >= 900).sum() > charts.MOST_MARKS / 2


def inside(chart):
    for line in chart.lines:
        places = [*points(line.path), *((mark.x, mark.y) for mark in line.marks)]
        for x, y in places:
            assert charts.LEFT <= x <= charts.RIGHT
            assert charts.TOP <= y <= charts.BOTTOM
        assert all(mark.say for mark in line.marks)


@pytest.mark.parametrize("pull", [0.0, 2.0, 9.0])
def test_every_chart_of_a_set_stays_on_its_sheet_and_says_its_values(pull):
    locked = made(300, pull=pull)
    found = [
        drawn.roc_chart(locked),
        drawn.precision_recall_chart(locked),
        drawn.reliability_chart(reliability(locked)),
        drawn.risk_chart(locked),
    ]
    for chart in found:
        inside(chart)
        assert chart.description
    assert ("enlarged" in found[0].note) == (pull > 5)
    assert [line.letter for line in found[0].lines] == list("BELMN")


def test_a_set_of_one_class_has_no_curve_by_class():
    one = known(made(50, kinds=("monocyte",)))
    assert drawn.roc_chart(one) is None
    assert drawn.precision_recall_chart(one) is None
    inside(drawn.risk_chart(one))


def test_a_model_that_answers_nothing_says_so():
    locked = made(50)
    locked.abstained[:] = True
    assert "abstains on every cell" in drawn.risk_chart(locked).note


def test_learning_curves_mark_their_phases_and_break_between_them():
    history = [Epoch("head", n, 0.5 / n, 0.9, None, 0.95) for n in (1, 2, 3)] + [
        Epoch("fine-tuning", n, 1.5 / n, 0.8, None, 0.97) for n in (1, 2)
    ]
    accuracy, loss = drawn.learning_charts(history)
    for chart in (accuracy, loss):
        inside(chart)
        assert [rule.text for rule in chart.rules] == ["head", "fine-tuning"]
    assert [line.path.count("M") for line in accuracy.lines] == [2, 2]
    assert [line.name for line in loss.lines] == ["Training"]  # no validation loss is stated
    assert "Fine-tuning, epoch 2: training loss 0.7500" in loss.lines[0].marks[-1].say


def test_one_epoch_is_no_curve():
    assert drawn.learning_charts([Epoch("head", 1, 0.5, 0.9, 0.5, 0.9)]) == []
    assert drawn.learning_charts([]) == []
    assert drawn.learning_charts([Epoch("head", n, None, None, None, 0.9) for n in (1, 2)])
