"""The fits find what is there, stay with the model where little is, and never look at the cells they
are tried on."""

import numpy as np
import pytest

from adaptation import fitting
from adaptation.fitting import recalibrated, with_head
from adaptation.trial import FOLDS, SiteCells, folds_of, held_out, tried, why_not

SIZE = 12


def softmax(logits):
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def drawn(cells=400, *, scale=1.0, bias=(0, 0, 0, 0, 0), layer=None, seed=0, per_case=10):
    """Cells whose truth is drawn from the model's answers, stretched and shifted as said: fitting
    should find just that."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2.5, (cells, 5))
    places = rng.normal(size=(cells, SIZE))
    right = softmax(logits + places @ layer if layer is not None else logits)
    truth = np.array([rng.choice(5, p=row) for row in right], np.int64)
    said = softmax((logits - np.asarray(bias)) / scale)
    return SiteCells(
        keys=tuple(map(str, range(cells))),
        truth=truth,
        probabilities=said,
        places=places,
        cases=np.arange(cells) // per_case,
        other_reasons=np.zeros(cells, bool),
    )


def fitted(fit, cells):
    return fit(cells.probabilities, cells.places, cells.truth)


def test_a_model_that_is_too_sure_and_shifted_is_recalibrated():
    bias = np.array([1.0, 0, -1.0, 0, 0])
    found = fitted(recalibrated, drawn(4000, scale=0.5, bias=bias))
    assert found.scale == pytest.approx(0.5, abs=0.05)
    assert found.temperature == pytest.approx(2.0, abs=0.2)
    assert found.bias - found.bias.mean() == pytest.approx(bias, abs=0.25)
    assert not found.layer.any()


def test_a_model_that_is_right_is_left_as_it_is():
    cells = drawn(4000)
    found = fitted(recalibrated, cells)
    assert found.scale == pytest.approx(1.0, abs=0.08)
    assert np.abs(found.bias).max() < 0.25


@pytest.mark.parametrize("fit", [recalibrated, with_head])
def test_few_cells_move_it_little(fit):
    cells = drawn(20, scale=0.5, per_case=4)
    found = fitted(fit, cells)
    assert 0.3 < found.scale < 1.2
    answers = found.answers(cells.probabilities, cells.places)
    assert np.isfinite(answers).all()
    assert answers.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("fit", [recalibrated, with_head])
def test_no_small_step_is_better_than_where_it_ends(fit):
    cells = drawn(60)
    best = fitted(fit, cells)
    rng = np.random.default_rng(1)

    def loss(found):
        typical = np.sqrt((cells.places**2).sum(axis=1).mean())
        away = [(found.scale - 1) / fitting.TEMPERATURE, *(found.bias / fitting.BIAS)]
        away += list((found.layer * typical / fitting.LAYER).ravel())
        own = found.answers(cells.probabilities, cells.places)[np.arange(60), cells.truth]
        return -np.log(own).sum() + 0.5 * np.square(away).sum()

    for _ in range(20):
        other = fitting.Adapted(
            best.scale + rng.normal(0, 0.02),
            best.bias + rng.normal(0, 0.02, 5),
            best.layer + (rng.normal(0, 0.02, best.layer.shape) if fit is with_head else 0),
        )
        assert loss(other) > loss(best) - 1e-6


def test_answers_of_certainty_and_impossibility_are_borne():
    cells = drawn(40)
    sure = np.eye(5)[(cells.truth + 1) % 5]  # wholly sure, and always wrong
    for fit in (recalibrated, with_head):
        found = fit(sure, cells.places, cells.truth)
        assert np.isfinite(found.answers(sure, cells.places)).all()


def test_the_cells_of_a_case_are_in_one_fold_and_the_folds_are_even():
    cases = np.repeat(np.arange(17), np.arange(1, 18))
    folds = folds_of(cases)
    for case in range(17):
        assert len(set(folds[cases == case])) == 1
    filled = np.bincount(folds, minlength=FOLDS)
    assert filled.max() - filled.min() <= 3


def test_no_cell_is_answered_by_a_fit_that_saw_its_case():
    """The truth of each case follows from nothing but the case: who has not seen it, guesses."""
    rng = np.random.default_rng(0)
    cases = np.repeat(np.arange(40), 5)
    place = rng.normal(size=(40, SIZE))[cases] * 5
    cells = SiteCells(
        keys=tuple(map(str, range(200))),
        truth=rng.integers(0, 5, 40)[cases],
        probabilities=np.full((200, 5), 0.2),
        places=place,
        cases=cases,
        other_reasons=np.zeros(200, bool),
    )
    seen = fitted(with_head, cells).answers(cells.probabilities, cells.places)
    unseen = held_out(cells, with_head)
    assert (seen.argmax(axis=1) == cells.truth).mean() > 0.7
    assert (unseen.argmax(axis=1) == cells.truth).mean() < 0.45


def test_a_site_on_which_the_model_is_off_is_shown_to_gain():
    calibrated, head = tried(drawn(300, scale=0.4, bias=[1.5, 0, 0, 0, -1.5]), confidence=0.9)
    assert calibrated.better
    assert calibrated.compared.loss.high < 0
    assert head.key == "head"


def test_what_lies_in_the_places_alone_only_a_head_finds():
    layer = np.zeros((SIZE, 5))
    layer[0, 0], layer[0, 1] = 3, -3
    calibrated, head = tried(drawn(500, layer=layer), confidence=0.9)
    assert head.better
    assert head.compared.loss.b < calibrated.compared.loss.b


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_site_on_which_the_model_is_right_is_not_shown_to_gain(seed):
    assert not any(each.better for each in tried(drawn(100, seed=seed), confidence=0.9))


def test_what_is_abstained_on_for_another_reason_stays_so():
    cells = drawn(100)
    cells.other_reasons[:10] = True
    (first, _) = tried(cells, confidence=0.0)
    assert first.compared.abstained.a == first.compared.abstained.b == 0.1


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (drawn(19, per_case=2), "19 signed cells of 10 cases"),
        (drawn(40, per_case=10), "40 signed cells of 4 cases"),
        (drawn(0), "0 signed cells of 0 cases"),
    ],
    ids=["too few cells", "too few cases", "none"],
)
def test_too_few_are_said_to_be(cells, words):
    assert words in why_not(cells)


def test_one_class_alone_teaches_nothing():
    cells = drawn(100)
    cells.truth[:] = 3
    assert "of one class" in why_not(cells)
    assert why_not(drawn(20, per_case=4)) == ""
