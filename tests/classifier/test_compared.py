"""Two models on the same cells: figures as scikit-learn and SciPy have them, intervals that hold."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score, log_loss, recall_score

from classifier.compared import MOVES, mcnemar, paired
from classifier.inference import CLASSES, ModelError
from classifier.inference.locked import Locked


def made(cells=600, *, seed=1, pull=2.0, kinds=CLASSES, labels_seed=0):
    """A set of which the answers lean to the truth, more so with more `pull`."""
    labels = np.random.default_rng(labels_seed).integers(0, len(kinds), cells)
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(cells, 5))
    for row, label in zip(scores, labels, strict=True):
        if kinds[label] in CLASSES:
            row[CLASSES.index(kinds[label])] += pull
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return Locked(
        pictures=tuple((f"set/{n:05}.png", f"{n:016x}") for n in range(cells)),
        kinds=tuple(kinds[label] for label in labels),
        probabilities=probabilities,
        abstained=rng.random(cells) < 0.2,
    )


@pytest.mark.parametrize("seed", range(5))
def test_every_figure_is_the_one_that_other_libraries_give(seed):
    a, b = made(seed=seed), made(seed=seed + 50, pull=2.4)
    found = paired(a, b)
    for one, side in ((a, "a"), (b, "b")):
        truth, said = one.truth, one.predicted
        recalls = recall_score(truth, said, average=None)
        assert getattr(found.accuracy, side) == pytest.approx(accuracy_score(truth, said))
        assert getattr(found.macro_f1, side) == pytest.approx(
            f1_score(truth, said, average="macro")
        )
        assert getattr(found.loss, side) == pytest.approx(
            log_loss(truth, one.probabilities, labels=range(5))
        )
        assert getattr(found.abstained, side) == pytest.approx(one.abstained.mean())
        assert [getattr(found.recall[name], side) for name in CLASSES] == pytest.approx(recalls)
        assert getattr(found.ece, side) == pytest.approx(slow_ece(one))
    for row in (found.accuracy, found.macro_f1, found.ece, found.loss, found.abstained):
        assert row.difference == pytest.approx(row.b - row.a)
        assert row.low <= row.high


def slow_ece(one):
    sure, right = one.probabilities.max(axis=1), one.predicted == one.truth
    total = 0.0
    for low in np.arange(15) / 15:
        inside = (sure >= low) & (sure < low + 1 / 15)
        if inside.any():
            total += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    return total


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (0, 1), (5, 5), (3, 12), (60, 20), (900, 30)])
def test_the_p_value_is_the_exact_binomial_one(lost, gained):
    expected = binomtest(lost, lost + gained).pvalue if lost + gained else 1
    assert mcnemar(lost, gained) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(gained, lost) == pytest.approx(mcnemar(lost, gained))


def test_a_hundred_thousand_changed_cells_have_a_p_value():
    assert mcnemar(100_000, 0) == 0
    assert mcnemar(50_000, 50_000) == pytest.approx(1)


def test_a_model_compared_with_itself_differs_in_nothing():
    one = made()
    found = paired(one, one)
    for row in (found.accuracy, found.macro_f1, found.ece, found.loss, *found.recall.values()):
        assert (row.difference, row.low, row.high) == (0, 0, 0)
    assert (found.lost, found.gained, found.p, found.changed) == (0, 0, 1, ())


def test_the_interval_is_the_plain_one_of_the_differences():
    a, b = made(seed=1), made(seed=2, pull=2.5)
    found = paired(a, b).accuracy
    each = (b.predicted == b.truth).astype(float) - (a.predicted == a.truth)
    half = 1.96 * each.std() / np.sqrt(len(each))
    assert found.low == pytest.approx(each.mean() - half, abs=0.004)
    assert found.high == pytest.approx(each.mean() + half, abs=0.004)


def test_intervals_of_two_equal_models_hold_nothing_nineteen_times_of_twenty():
    """Fifty pairs of equally good models: of 95 % intervals some two or three may miss zero."""
    missed = sum(
        not row.low <= 0 <= row.high
        for seed in range(50)
        for row in [
            paired(
                made(300, seed=seed, labels_seed=seed), made(300, seed=seed + 900, labels_seed=seed)
            ).accuracy
        ]
    )
    assert missed <= 7


def test_the_same_question_has_the_same_answer():
    a, b = made(seed=1), made(seed=2)
    assert paired(a, b) == paired(a, b)


def test_the_order_of_the_cells_does_not_matter():
    a, b = made(seed=1), made(seed=2)
    order = np.random.default_rng(3).permutation(len(b.kinds))
    mixed = Locked(
        pictures=tuple(b.pictures[n] for n in order),
        kinds=tuple(b.kinds[n] for n in order),
        probabilities=b.probabilities[order],
        abstained=b.abstained[order],
    )
    assert paired(a, mixed) == paired(a, b)


def test_cells_that_changed_are_told_with_what_was_lost_first():
    a, b = made(seed=1), made(seed=2)
    found = paired(a, b)
    moves = [MOVES.index(row.move) for row in found.changed]
    assert moves == sorted(moves)
    assert [row.move for row in found.changed].count("lost") == found.lost
    assert [row.move for row in found.changed].count("gained") == found.gained
    lost = found.changed[0]
    assert lost.said[0] == lost.kind != lost.said[1]
    assert found.p == mcnemar(found.lost, found.gained)
    differs = (a.predicted != b.predicted) | (a.abstained != b.abstained)
    assert len(found.changed) == differs.sum()


def test_cells_of_no_class_count_for_abstention_alone():
    a = made(200, seed=1, kinds=("platelet", "ig"))
    b = made(200, seed=2, kinds=("platelet", "ig"))
    found = paired(a, b)
    assert (found.cells, found.known) == (200, 0)
    assert found.accuracy is found.macro_f1 is found.ece is found.loss is None
    assert found.recall == {}
    assert found.abstained.a == pytest.approx(a.abstained.mean())
    assert (found.lost, found.gained) == (0, 0)
    assert {row.move for row in found.changed} <= {"other", "abstains", "answers"}


def test_of_a_mixed_set_only_cells_of_the_classes_are_right_or_wrong():
    a = made(500, seed=1, kinds=("basophil", "monocyte", "ig"))
    b = made(500, seed=2, kinds=("basophil", "monocyte", "ig"))
    found, known = paired(a, b), a.truth >= 0
    assert found.known == known.sum() < found.cells == 500
    assert found.accuracy.a == pytest.approx((a.predicted == a.truth)[known].mean())
    assert list(found.recall) == ["basophil", "monocyte"]
    assert found.ece.b <= 1


def test_a_class_of_three_cells_has_a_wide_interval_and_no_failure():
    a = made(300, seed=1)
    kinds = ("basophil",) * 3 + ("neutrophil",) * 297
    a, b = replace(a, kinds=kinds), replace(made(300, seed=2), kinds=kinds)
    row = paired(a, b).recall["basophil"]
    assert -1 <= row.low <= row.difference <= row.high <= 1


def test_other_pictures_are_refused_in_one_sentence():
    a = made(seed=1)
    other = (*a.pictures[:-2], ("new.png", "0"), ("newer.png", "1"))
    with pytest.raises(ModelError, match="same pictures: 2 of 600 are only in the first, 2 of 600"):
        paired(a, replace(a, pictures=other))
    fewer = Locked(a.pictures[:-1], a.kinds[:-1], a.probabilities[:-1], a.abstained[:-1])
    with pytest.raises(ModelError, match="1 of 600 are only in the first, 0 of 599"):
        paired(a, fewer)
    changed = ((a.pictures[0][0], "another hash"), *a.pictures[1:])
    with pytest.raises(ModelError, match="same pictures: 1 of 600"):
        paired(a, replace(a, pictures=changed))


def test_other_labels_are_refused_in_one_sentence():
    a = made(seed=1)
    with pytest.raises(ModelError, match="1 of 600 have another label"):
        paired(a, replace(a, kinds=("platelet", *a.kinds[1:])))


def test_no_cells_are_refused():
    nothing = Locked((), (), np.zeros((0, 5)), np.zeros(0, bool))
    with pytest.raises(ModelError, match="no cells"):
        paired(nothing, nothing)


def test_a_large_set_is_compared_in_parts(monkeypatch):
    monkeypatch.setattr("classifier.compared.AT_ONCE", 600 * 7)
    a, b = made(seed=1), made(seed=2, pull=2.5)
    found = paired(a, b).accuracy
    assert found.low < found.difference < found.high
