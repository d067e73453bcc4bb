"""Labels for unlabelled cells, when the one who labels leans to one class."""

import numpy as np

from ml.attributes import WIDTH, sampling_weights
from ml.pseudo import balanced, choose


def leaning(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """(V, N, 5) answers of three views, truth (N,): all lean to class 3, the truth comes second."""
    rng = np.random.default_rng(5)
    truth = np.repeat(np.arange(5), count)
    logits = rng.normal(0, 0.3, (3, len(truth), 5))
    logits[:, np.arange(len(truth)), truth] += 1.5
    logits[:, :, 3] += 3
    powers = np.exp(logits)
    return powers / powers.sum(axis=2, keepdims=True), truth


def test_balancing_undoes_a_leaning_to_one_class():
    answers, truth = leaning()
    mean = answers.mean(axis=0)
    assert (mean.argmax(axis=1) == 3).mean() > 0.9
    plan = balanced(mean)
    assert np.allclose(plan.sum(axis=1), 1)
    assert np.allclose(plan.sum(axis=0), len(truth) / 5, rtol=0.05)
    assert (plan.argmax(axis=1) == truth).mean() > 0.9


def test_only_the_surest_of_each_class_are_kept():
    answers, truth = leaning()
    rows, soft = choose(answers, most=10)
    assert len(rows) == 50
    assert soft.shape == (50, 5)
    assert (np.bincount(soft.argmax(axis=1)) == 10).all()
    assert (soft.argmax(axis=1) == truth[rows]).mean() >= (
        balanced(answers.mean(axis=0)).argmax(axis=1) == truth
    ).mean()


def test_classes_are_drawn_evenly_and_rare_kinds_more_often():
    labels = np.array([0] * 90 + [0] * 10 + [1] * 20)
    attributes = np.zeros((120, WIDTH), np.float32)
    attributes[:90, 0] = 1  # small
    attributes[90:, 1] = 1  # big
    weights = sampling_weights(labels, attributes)
    assert np.isclose(weights.sum(), 1)
    assert np.isclose(weights[labels == 0].sum(), 0.5)
    assert weights[95] > weights[5], "a big cell of a class of small ones"
