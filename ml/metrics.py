"""Figures of merit, from labels and probabilities alone."""

import numpy as np

from classifier.inference.classes import CLASSES
from classifier.inference.merit import BINS, bins_of, risk_coverage
from ml.attributes import ATTRIBUTES

COVERAGE = 0.8  # at which the error of the surest is given


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
    bins = bins_of(probabilities)
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


def briers(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(N,) squared distance to the one-hot truth, summed over the classes (0 to 2)."""
    return ((probabilities - np.eye(len(CLASSES))[labels]) ** 2).sum(axis=1)


def log_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(N,) minus the logarithm of the true class's probability."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.maximum(chosen, 1e-12))


def areas_under_roc(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float | None]:
    """Of each class against the rest; None where the set has only one of the two."""
    from sklearn.metrics import roc_auc_score

    found: dict[str, float | None] = {}
    for place, name in enumerate(CLASSES):
        own = labels == place
        mixed = own.any() and not own.all()
        found[name] = float(roc_auc_score(own, probabilities[:, place])) if mixed else None
    return found


def generalised_risk(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """AUGRC (Traub et al. 2024, arXiv:2407.01032): mean over all coverages of the share of all
    cells that is answered wrongly; 0 is best, half the error rate is what chance would do."""
    coverage, risk = risk_coverage(labels, probabilities)
    return float((coverage * risk).mean())


def selective_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Share wrong among the surest 80 % of the cells."""
    coverage, risk = risk_coverage(labels, probabilities)
    return float(risk[(coverage >= COVERAGE - 1e-9).argmax()])


def attribute_hits(known: np.ndarray, answers: list[dict[str, str]]) -> np.ndarray:
    """(N, 11): 1 where a cell's attribute is named rightly, 0 where not, nan where nobody knows.

    `known` (N, WIDTH) one-hot by attribute, side by side; zeros where nothing is known."""
    hits, first = np.full((len(known), len(ATTRIBUTES)), np.nan), 0
    for column, (name, values) in enumerate(ATTRIBUTES.items()):
        truth = known[:, first : first + len(values)]
        first += len(values)
        for row in np.flatnonzero(truth.any(axis=1)):
            hits[row, column] = answers[row].get(name) == values[truth[row].argmax()]
    return hits


def commonest_values(known: np.ndarray) -> np.ndarray:
    """(11,) how often one is right who always says an attribute's commonest value; nan where
    nothing is known of it. `known` as in attribute_hits."""
    found, first = np.full(len(ATTRIBUTES), np.nan), 0
    for column, values in enumerate(ATTRIBUTES.values()):
        counts = known[:, first : first + len(values)].sum(axis=0)
        first += len(values)
        if counts.any():
            found[column] = counts.max() / counts.sum()
    return found
