"""Figures of merit, from labels and probabilities alone."""

from typing import Any

import numpy as np

from classifier.inference.classes import CLASSES
from ml.attributes import ATTRIBUTES

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


def areas_under_roc(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float | None]:
    """Of each class against the rest; None where the set has only one of the two."""
    from sklearn.metrics import roc_auc_score

    found: dict[str, float | None] = {}
    for place, name in enumerate(CLASSES):
        own = labels == place
        mixed = own.any() and not own.all()
        found[name] = float(roc_auc_score(own, probabilities[:, place])) if mixed else None
    return found


def risk_coverage(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) each: share answered, and share wrong among those, the surest answered first."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = (probabilities.argmax(axis=1) != labels)[order]
    counts = np.arange(1, len(labels) + 1)
    return counts / len(labels), np.cumsum(wrong) / counts


def generalised_risk(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """AUGRC (Traub et al. 2024, arXiv:2407.01032): mean over all coverages of the share of all
    cells that is answered wrongly; 0 is best, half the error rate is what chance would do."""
    coverage, risk = risk_coverage(labels, probabilities)
    return float((coverage * risk).mean())


def attribute_accuracy(known: np.ndarray, answers: list[dict[str, str]]) -> dict[str, Any]:
    """By attribute; `known` (N, WIDTH) one-hot, a cell of which nothing is known is left out."""
    found, first = {}, 0
    for name, values in ATTRIBUTES.items():
        truth = known[:, first : first + len(values)]
        first += len(values)
        rows = np.flatnonzero(truth.any(axis=1))
        right = [answers[row].get(name) == values[truth[row].argmax()] for row in rows]
        if right:
            commonest = float(truth[rows].mean(axis=0).max())
            found[name] = {
                "cells": len(rows),
                "accuracy": float(np.mean(right)),
                "commonest_value": commonest,
            }
    return found


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
        "areas_under_roc": areas_under_roc(labels, probabilities),
        "generalised_risk": generalised_risk(labels, probabilities),
        "abstained": float(abstained.mean()),
        "answered": {
            "cells": int((~abstained).sum()),
            "accuracy": float(right[~abstained].mean()) if (~abstained).any() else None,
        },
        "classes": per_class(table),
        "confusion": table.tolist(),
    }
