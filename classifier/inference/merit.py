"""Counts under every figure of merit, from labels and probabilities alone. Used by the evaluation
and by the pages that show what it found."""

import numpy as np

from classifier.inference.classes import CLASSES

BINS = 15  # of the expected calibration error, as in Guo et al. 2017


def confusion(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(5, 5) counts; rows are the truth."""
    table = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(table, (labels, predicted), 1)
    return table


def bins_of(probabilities: np.ndarray) -> np.ndarray:
    """(N,) the bin of confidence that each cell falls into."""
    return np.minimum((probabilities.max(axis=1) * BINS).astype(int), BINS - 1)


def risk_coverage(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) each: share answered, and share wrong among those, the surest answered first."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = (probabilities.argmax(axis=1) != labels)[order]
    counts = np.arange(1, len(labels) + 1)
    return counts / len(labels), np.cumsum(wrong) / counts
