"""Curves and figures of one locked set, from what a model said of it. NumPy alone.

Only cells of one of the classes can be right or wrong: everything here but ``taken_for`` is of
those, as ``known`` cuts them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from classifier.counting import exact_interval
from classifier.inference.classes import CLASSES
from classifier.inference.locked import Locked
from classifier.inference.merit import BINS, bins_of
from classifier.inference.merit import confusion as counted
from classifier.inference.merit import risk_coverage as risks_by_coverage

Interval = tuple[float, float]
SIZE = len(CLASSES)


@dataclass(frozen=True)
class Share:
    """A count of a total, with its exact 95 % interval; ``value`` is None of nothing."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> Interval:
        return exact_interval(self.count, self.total)


@dataclass(frozen=True)
class ClassRow:
    name: str
    precision: Share
    recall: Share
    f1: float | None
    f1_interval: Interval | None
    area: float | None
    """Under the ROC curve, against the rest."""
    average_precision: float | None
    area_interval: Interval | None = None
    """Where it is stated: nothing here draws one."""

    @property
    def support(self) -> int:
        return self.recall.total


@dataclass(frozen=True)
class Curve:
    """Points of a curve, x and y (N,), and the confidence from which on each holds."""

    x: np.ndarray
    y: np.ndarray
    threshold: np.ndarray
    area: float


@dataclass(frozen=True)
class Bin:
    """Cells of one bin of confidence."""

    low: float
    high: float
    confidence: float
    """Mean."""
    right: Share
    share: float
    """Of all cells."""


def known(locked: Locked) -> Locked:
    """The set without the cells of none of the classes."""
    rows = np.flatnonzero(locked.truth >= 0)
    return replace(
        locked,
        pictures=tuple(locked.pictures[n] for n in rows),
        kinds=tuple(locked.kinds[n] for n in rows),
        probabilities=locked.probabilities[rows],
        abstained=locked.abstained[rows],
    )


def confusion(locked: Locked) -> np.ndarray:
    """(5, 5) counts; rows are the truth."""
    return counted(locked.truth, locked.predicted)


def taken_for(locked: Locked) -> dict[str, tuple[np.ndarray, int]]:
    """Kind -> ((5,) how many were said to be each class, how many were abstained on)."""
    kinds = np.array(locked.kinds)
    order = [*(name for name in CLASSES if name in locked.kinds)]
    order += sorted(set(locked.kinds) - set(CLASSES))
    return {
        kind: (
            np.bincount(locked.predicted[kinds == kind], minlength=SIZE),
            int(locked.abstained[kinds == kind].sum()),
        )
        for kind in order
    }


def class_rows(
    table: np.ndarray, areas: Mapping[str, tuple[float, float | None]]
) -> list[ClassRow]:
    """Of a confusion table; ``areas``: class -> (under ROC, average precision)."""
    said, true, hits = table.sum(axis=0), table.sum(axis=1), np.diag(table)
    intervals = _f1_intervals(table)
    return [
        ClassRow(
            name=name,
            precision=Share(int(hits[n]), int(said[n])),
            recall=Share(int(hits[n]), int(true[n])),
            f1=float(2 * hits[n] / (said[n] + true[n])) if true[n] else None,
            f1_interval=intervals[n] if true[n] else None,
            area=areas[name][0] if name in areas else None,
            average_precision=areas[name][1] if name in areas else None,
        )
        for n, name in enumerate(CLASSES)
    ]


def _f1_intervals(table: np.ndarray) -> list[Interval | None]:
    """Of each class: bootstrap over cells, which for a table of counts is a multinomial draw."""
    total = int(table.sum())
    if not total:
        return [None] * SIZE
    drawn = np.random.default_rng(0).multinomial(total, table.ravel() / total, size=2000)
    tables = drawn.reshape(-1, SIZE, SIZE)
    hits, both = tables.diagonal(axis1=1, axis2=2), tables.sum(axis=1) + tables.sum(axis=2)
    found: list[Interval | None] = []
    for n in range(SIZE):
        there = both[:, n] > 0
        if not there.any():
            found.append(None)
            continue
        low, high = np.quantile(2 * hits[there, n] / both[there, n], [0.025, 0.975])
        found.append((float(low), float(high)))
    return found


def _ranked(own: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(K,) true and false positives and threshold, of each distinct score from the highest on."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    true = np.cumsum(own[order])[last]
    return true, last + 1 - true, ranked[last]


def roc(own: np.ndarray, scores: np.ndarray) -> Curve | None:
    """False positive rate and sensitivity; None where all or none are ``own`` (N,) bool."""
    if own.all() or not own.any():
        return None
    true, false, threshold = _ranked(own, scores)
    x = np.append(0.0, false / (~own).sum())
    y = np.append(0.0, true / own.sum())
    return Curve(x, y, np.append(np.inf, threshold), float(np.trapezoid(y, x)))


def precision_recall(own: np.ndarray, scores: np.ndarray) -> Curve | None:
    """Recall and precision; ``area`` is the average precision. None as in ``roc``."""
    if own.all() or not own.any():
        return None
    true, false, threshold = _ranked(own, scores)
    x, y = true / own.sum(), true / (true + false)
    return Curve(x, y, threshold, float((np.diff(x, prepend=0.0) * y).sum()))


def reliability(locked: Locked) -> list[Bin]:
    """The bins of confidence that have cells, from the least sure on."""
    confidence, right = locked.probabilities.max(axis=1), locked.predicted == locked.truth
    bins = bins_of(locked.probabilities)
    found = []
    for n in np.unique(bins):
        own = bins == n
        found.append(
            Bin(
                low=float(n / BINS),
                high=float((n + 1) / BINS),
                confidence=float(confidence[own].mean()),
                right=Share(int(right[own].sum()), int(own.sum())),
                share=float(own.mean()),
            )
        )
    return found


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error of bins that hold all cells."""
    return sum(one.share * abs(one.confidence - (one.right.value or 0)) for one in bins)


def risks(locked: Locked) -> list[tuple[float, float, Share]]:
    """(coverage, lowest confidence answered, share wrong of those), from a tenth to all."""
    confidence = locked.probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum((locked.predicted != locked.truth)[order])
    found = []
    for tenth in range(1, 11):
        many = max(1, round(len(order) * tenth / 10))
        share = Share(int(wrong[many - 1]), many)
        found.append((tenth / 10, float(confidence[order[many - 1]]), share))
    return found


def risk_coverage(locked: Locked) -> Curve:
    """Share answered, and share wrong among those, the surest first; area: under it."""
    x, y = risks_by_coverage(locked.truth, locked.probabilities)
    surest_first = -np.sort(-locked.probabilities.max(axis=1))
    return Curve(x, y, surest_first, float(y.mean()))
