"""Fitting a model's answers to the cells of one site. NumPy alone; knows no database.

Both adaptations start from the model's own answers and are drawn back to them by a prior, so that a
few cells move them little. The recalibration is that of Alexandari et al. 2020 (arXiv:1901.06852),
one temperature and one bias a class. The head adds a linear layer on where the model places the cell
(whitened: ``classifier.inference.indist``). Each is the maximum of a concave posterior, found by
Newton's method.
"""

from dataclasses import dataclass

import numpy as np

SMALLEST = 1e-6  # of a probability, before its logarithm
# Standard deviations of the priors: of the inverse temperature around 1, of a bias around 0, and of
# what the layer adds to a logit of a typical cell, around 0. Logits, but for the first.
TEMPERATURE, BIAS, LAYER = 0.5, 1.0, 1.0
MOST_STEPS, CLOSE = 50, 1e-6


@dataclass(frozen=True)
class Adapted:
    """``logits = scale * log(p) + bias + places @ layer``; the layer is zero in a recalibration."""

    scale: float
    bias: np.ndarray
    """(C,)."""
    layer: np.ndarray
    """(K, C)."""

    @property
    def temperature(self) -> float:
        return 1 / self.scale if self.scale > 0 else float("inf")

    def answers(self, probabilities: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(N, C) probabilities of the model and (N, K) places of the cells to (N, C)."""
        logits = self.scale * _log(probabilities) + self.bias
        return _softmax(logits + places @ self.layer)


def recalibrated(probabilities: np.ndarray, places: np.ndarray, truth: np.ndarray) -> Adapted:
    """One temperature, one bias a class; ``truth`` (N,) places in the model's classes."""
    nothing = np.zeros((len(truth), 0))
    scale, bias, _ = _fit(_log(probabilities), nothing, truth)
    return Adapted(scale, bias, np.zeros((places.shape[1], probabilities.shape[1])))


def with_head(probabilities: np.ndarray, places: np.ndarray, truth: np.ndarray) -> Adapted:
    """The same with a linear layer on the places, the larger the more cells speak for it."""
    typical = float(np.sqrt((places**2).sum(axis=1).mean())) or 1.0
    scale, bias, layer = _fit(_log(probabilities), places / typical, truth)
    return Adapted(scale, bias, layer / typical)


def _fit(
    logs: np.ndarray, places: np.ndarray, truth: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, bias (C,) and layer (K, C) of the largest posterior.

    In one vector: the scale, then for each class its bias and its column of the layer.
    """
    cells, classes = logs.shape
    inputs = np.hstack([np.ones((cells, 1)), places])
    size = inputs.shape[1]
    prior = np.concatenate([[BIAS**-2.0], np.full(size - 1, LAYER**-2.0)])
    precision = np.concatenate([[TEMPERATURE**-2.0], np.tile(prior, classes)])
    centre = np.concatenate([[1.0], np.zeros(classes * size)])
    targets = np.eye(classes)[truth]
    found = centre.copy()
    loss = _loss(_logits(logs, inputs, found), truth, found - centre, precision)
    for _ in range(MOST_STEPS):
        answers = _softmax(_logits(logs, inputs, found))
        slope = _slope(logs, inputs, answers - targets) + precision * (found - centre)
        step = np.linalg.solve(_curvature(logs, inputs, answers) + np.diag(precision), slope)
        if slope @ step < CLOSE:
            break
        for share in 0.5 ** np.arange(12):  # a whole step goes too far where a class is rare
            tried = found - share * step
            better = _loss(_logits(logs, inputs, tried), truth, tried - centre, precision)
            if better < loss:
                break
        else:
            break
        found, loss = tried, better
    parts = found[1:].reshape(classes, size)
    return float(found[0]), parts[:, 0].copy(), parts[:, 1:].T.copy()


def _logits(logs: np.ndarray, inputs: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(N, C)."""
    return found[0] * logs + inputs @ found[1:].reshape(logs.shape[1], -1).T


def _slope(logs: np.ndarray, inputs: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """(P,) of the negative log likelihood."""
    return np.concatenate([[(errors * logs).sum()], (errors.T @ inputs).ravel()])


def _curvature(logs: np.ndarray, inputs: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """(P, P) of the negative log likelihood, class by class."""
    classes, size = logs.shape[1], inputs.shape[1]
    spread = answers[:, :, np.newaxis] * (np.eye(classes) - answers[:, np.newaxis])
    of_scale = np.einsum("nkl,nl->nk", spread, logs)
    blocks = np.empty((classes, size, classes, size))
    for k in range(classes):
        for other in range(k, classes):
            block = (inputs * spread[:, k, other, np.newaxis]).T @ inputs
            blocks[k, :, other], blocks[other, :, k] = block, block
    found = np.empty((1 + classes * size, 1 + classes * size))
    found[0, 0] = (of_scale * logs).sum()
    found[0, 1:] = found[1:, 0] = (of_scale.T @ inputs).ravel()
    found[1:, 1:] = blocks.reshape(classes * size, classes * size)
    return found


def _loss(logits: np.ndarray, truth: np.ndarray, away: np.ndarray, precision: np.ndarray) -> float:
    """Negative log posterior, up to a constant."""
    top = logits.max(axis=1)
    logs = top + np.log(np.exp(logits - top[:, np.newaxis]).sum(axis=1))
    own = logits[np.arange(len(truth)), truth]
    return float((logs - own).sum() + 0.5 * (precision * away**2).sum())


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, SMALLEST))


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)
