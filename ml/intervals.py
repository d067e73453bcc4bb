"""95 % intervals: percentile bootstrap over cells (Efron 1979), and Wilson's for plain shares.

All resamples are drawn at once: `draws` (R, N) says how often resample r has cell n, and every
figure is computed for all R of them in a few array operations.
"""

import numpy as np

from classifier.counting import wilson_interval
from classifier.inference.classes import CLASSES
from classifier.inference.merit import BINS, bins_of

RESAMPLES = 2000
Interval = tuple[float, float]


def resample(cells: int, *, seed: int = 0) -> np.ndarray:
    """(R, N) float32: N cells drawn with replacement, R times."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, cells, (RESAMPLES, cells))
    rows += np.arange(RESAMPLES)[:, np.newaxis] * cells
    counts = np.bincount(rows.ravel(), minlength=RESAMPLES * cells)
    return counts.reshape(RESAMPLES, cells).astype(np.float32)


def middle(figures: np.ndarray) -> Interval | None:
    """Of (R,) figures; a resample that has none (nan) does not count."""
    if np.isnan(figures).all():
        return None
    low, high = np.nanquantile(figures, [0.025, 0.975])
    return float(low), float(high)


def mean(draws: np.ndarray, values: np.ndarray) -> Interval | None:
    """Of the mean of `values` (N,), or of the mean over the columns of (N, K); what is nan is
    unknown and does not count."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        means = (draws @ np.where(known, values, 0)) / (draws @ known.astype(np.float32))
    return middle(means if means.ndim == 1 else means.mean(axis=1))


def of_classes(
    draws: np.ndarray, labels: np.ndarray, predicted: np.ndarray
) -> dict[str, Interval | None]:
    """Macro-F1 and balanced accuracy, each over the classes that a resample has."""
    size = len(CLASSES)
    places = np.eye(size * size, dtype=np.float32)[labels * size + predicted]
    tables = (draws @ places).reshape(-1, size, size)
    hits, true, said = tables.diagonal(axis1=1, axis2=2), tables.sum(axis=2), tables.sum(axis=1)
    there = np.where(true > 0, 1.0, np.nan)
    return {
        "macro_f1": middle(np.nanmean(there * 2 * hits / np.maximum(true + said, 1), axis=1)),
        "balanced_accuracy": middle(np.nanmean(there * hits / np.maximum(true, 1), axis=1)),
    }


def of_calibration(
    draws: np.ndarray, labels: np.ndarray, probabilities: np.ndarray
) -> Interval | None:
    """Expected calibration error. It cannot be negative, so of a calibrated model every resample
    says more than the truth: the interval leans upwards."""
    right = probabilities.argmax(axis=1) == labels
    gaps = (probabilities.max(axis=1) - right)[:, np.newaxis]
    places = np.eye(BINS, dtype=np.float32)[bins_of(probabilities)]
    return middle(np.abs(draws @ (places * gaps)).sum(axis=1) / len(labels))


def of_areas(
    draws: np.ndarray, labels: np.ndarray, probabilities: np.ndarray
) -> dict[str, Interval | None]:
    """Area under the ROC curve of each class: the share of pairs in the right order, ties half."""
    found: dict[str, Interval | None] = {}
    for place, name in enumerate(CLASSES):
        own, scores = labels == place, probabilities[:, place]
        over, level = (
            np.array(order(scores[own, np.newaxis], scores[~own]), np.float32)
            for order in (np.greater, np.equal)
        )
        pairs = ((draws[:, own] @ (over + level / 2)) * draws[:, ~own]).sum(axis=1)
        with np.errstate(invalid="ignore"):
            found[name] = middle(pairs / (draws[:, own].sum(axis=1) * draws[:, ~own].sum(axis=1)))
    return found


def of_selection(
    draws: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, coverage: float
) -> dict[str, Interval | None]:
    """Error among the surest share `coverage` of the cells, and its ratio to the error of all."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = (probabilities.argmax(axis=1) != labels)[order]
    drawn = draws[:, order]
    answered = np.cumsum(drawn, axis=1)
    errors = np.cumsum(drawn * wrong, axis=1)
    last = (answered >= coverage * len(labels) - 1e-6).argmax(axis=1)[:, np.newaxis]
    some = (np.take_along_axis(errors, last, 1) / np.take_along_axis(answered, last, 1))[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "error": middle(some),
            "error_of_all": middle(errors[:, -1] / len(labels)),
            "ratio": middle(some / (errors[:, -1] / len(labels))),
        }


def share(count: int, total: int) -> Interval | None:
    """Wilson's score interval: unlike the bootstrap it has a width where all or none are meant."""
    return wilson_interval(count, total) if total else None
