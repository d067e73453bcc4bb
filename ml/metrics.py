"""Figures of merit, from labels and probabilities alone."""

from typing import Any

import numpy as np

from classifier.inference.classes import CLASSES

BINS = 15  # of the expected calibration error, as in Guo et al. 2017
RESAMPLES = 2000


def confusion(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(5, 5) counts; rows are the truth."""
    table = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(table, (labels, predicted), 1)
    return table


def per_class(table: np.ndarray) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of each class; 0 where nothing was predicted or there."""
    hits = np.diag(table).astype(float)
    precision = hits / np.maximum(table.sum(axis=0), 1)
    recall = hits / np.maximum(table.sum(axis=1), 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return {
        name: {
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "support": int(table[i].sum()),
        }
        for i, name in enumerate(CLASSES)
    }


def macro_f1(table: np.ndarray) -> float:
    """Mean F1 over the classes that occur."""
    rows = per_class(table).values()
    return float(np.mean([row["f1"] for row in rows if row["support"]]))


def reliability(
    labels: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(15,) each: mean confidence, accuracy and share of the cells, by bin of confidence."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    full = np.maximum(counts, 1)
    return (
        np.bincount(bins, confidence, BINS) / full,
        np.bincount(bins, right, BINS) / full,
        counts / len(labels),
    )


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error over 15 equal bins."""
    confidence, accuracy, share = reliability(labels, probabilities)
    return float((np.abs(confidence - accuracy) * share).sum())


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared distance to the one-hot truth, summed over the classes (0 to 2)."""
    truth = np.eye(len(CLASSES))[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def interval(values: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean."""
    rng = np.random.default_rng(seed)
    means = [rng.choice(values, len(values)).mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def f1_interval(labels: np.ndarray, predicted: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap interval of macro-F1."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLES // 4):
        rows = rng.integers(0, len(labels), len(labels))
        found.append(macro_f1(confusion(labels[rows], predicted[rows])))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def summary(labels: np.ndarray, probabilities: np.ndarray, abstained: np.ndarray) -> dict[str, Any]:
    """Everything that is reported about a labelled set of N cells.

    labels (N,), probabilities (N, 5), abstained (N,) bool. Accuracy is over all cells, abstained
    or not; `answered` has the accuracy of the rest.
    """
    predicted = probabilities.argmax(axis=1)
    right = (predicted == labels).astype(float)
    table = confusion(labels, predicted)
    recalls = [row["recall"] for row in per_class(table).values() if row["support"]]
    return {
        "cells": len(labels),
        "accuracy": float(right.mean()),
        "accuracy_interval": interval(right),
        "balanced_accuracy": float(np.mean(recalls)),
        "macro_f1": macro_f1(table),
        "macro_f1_interval": f1_interval(labels, predicted),
        "loss": log_loss(labels, probabilities),
        "calibration_error": calibration_error(labels, probabilities),
        "brier": brier(labels, probabilities),
        "abstained": float(abstained.mean()),
        "answered": {
            "cells": int((~abstained).sum()),
            "accuracy": float(right[~abstained].mean()) if (~abstained).any() else None,
        },
        "classes": per_class(table),
        "confusion": table.tolist(),
    }
