"""Two models on the same locked cells, cell by cell: differences with 95 % paired intervals.

Both answer the same pictures, so what is uncertain is the difference, and it is far less uncertain
than either figure. Intervals are percentiles of a bootstrap over cells (Efron 1979) in which every
resample draws the same cells for both; the p value is McNemar's exact one (binomial, two-sided).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from classifier.inference.classes import CLASSES
from classifier.inference.errors import ModelError
from classifier.inference.locked import Locked
from classifier.inference.merit import BINS, bins_of

RESAMPLES = 2000
SEED = 0
AT_ONCE = 4_000_000  # drawn cells held in memory at a time
SIZE = len(CLASSES)

Move = Literal["lost", "gained", "still wrong", "other", "abstains", "answers"]
MOVES: tuple[Move, ...] = ("lost", "gained", "still wrong", "other", "abstains", "answers")


@dataclass(frozen=True)
class Difference:
    """A figure of the first and of the second model, and second minus first with its interval."""

    a: float
    b: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Changed:
    """One cell of which the two do not say the same. ``move`` tells how:

    lost, gained: from right to wrong, from wrong to right; still wrong: another wrong class;
    other: another class, of a cell that is none of the classes; abstains, answers: the class is the
    same, but the second model abstains where the first answered, or the other way round.
    """

    picture: str
    kind: str
    move: Move
    said: tuple[str, str]
    confidence: tuple[float, float]
    abstained: tuple[bool, bool]


@dataclass(frozen=True)
class Compared:
    """What two models say of one locked set."""

    cells: int
    known: int
    """Cells that are of one of the classes: all figures but ``abstained`` are of these."""
    accuracy: Difference | None
    """None, as the next three are, where no cell is of one of the classes."""
    macro_f1: Difference | None
    ece: Difference | None
    loss: Difference | None
    recall: dict[str, Difference]
    """Of each class that occurs."""
    abstained: Difference
    lost: int
    """Cells that the first had right and the second has wrong."""
    gained: int
    p: float
    """McNemar's, of the two accuracies being the same; 1 where neither has won or lost a cell."""
    changed: tuple[Changed, ...]
    """What was lost first, then in the order of MOVES; the surest of the second first."""


def paired(a: Locked, b: Locked, *, seed: int = SEED, groups: np.ndarray | None = None) -> Compared:
    """Compare the second model with the first on one locked set.

    ``groups`` (N,) int: cells of one group, as those of one case, resemble each other, so that the
    bootstrap draws whole groups. McNemar's p knows nothing of them.

    The cells may stand in another order. ModelError, in one sentence, where they are not the same
    pictures with the same labels, or there are none.
    """
    b = _aligned(a, b)
    known = a.truth >= 0
    columns = np.hstack([_columns(a, known), _columns(b, known)])
    exact = _figures(columns.sum(axis=0, keepdims=True))
    units = columns if groups is None else _added_up(columns, groups)
    drawn = [_figures(sums) for sums in _resampled(units, seed)]
    found: dict[str, Difference] = {}
    for name, (of_a, of_b) in exact.items():
        if np.isnan(of_a[0]):
            continue
        differences = np.concatenate([part[name][1] - part[name][0] for part in drawn])
        low, high = np.nanquantile(differences, [0.025, 0.975])
        first, second = float(of_a[0]), float(of_b[0])
        found[name] = Difference(first, second, second - first, float(low), float(high))
    right_a, right_b = a.predicted == a.truth, b.predicted == a.truth
    lost, gained = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    return Compared(
        cells=len(a.kinds),
        known=int(known.sum()),
        accuracy=found.get("accuracy"),
        macro_f1=found.get("macro_f1"),
        ece=found.get("ece"),
        loss=found.get("loss"),
        recall={name: found[name] for name in CLASSES if name in found},
        abstained=found["abstained"],
        lost=lost,
        gained=gained,
        p=mcnemar(lost, gained),
        changed=_changed(a, b),
    )


def mcnemar(lost: int, gained: int) -> float:
    """The exact two-sided p of so many cells changing one way and so many the other."""
    total, fewer = lost + gained, min(lost, gained)
    if not total:
        return 1.0
    steps = np.arange(1, fewer + 1)
    # log of each binomial coefficient from the one before: no number here overflows
    logs = np.concatenate([[0.0], np.cumsum(np.log((total - steps + 1) / steps))])
    tail = np.exp(logs - total * np.log(2)).sum()
    return float(min(1.0, 2 * tail))


def _aligned(a: Locked, b: Locked) -> Locked:
    """The second with its cells in the order of the first."""
    if not a.kinds:
        raise ModelError("The set has no cells.")
    if a.pictures == b.pictures and a.kinds == b.kinds:
        return b
    of_a, of_b = set(a.pictures), set(b.pictures)
    if of_a != of_b or len(a.pictures) != len(b.pictures):
        raise ModelError(
            f"The two were not measured on the same pictures: {len(of_a - of_b):,} of "
            f"{len(a.pictures):,} are only in the first, {len(of_b - of_a):,} of "
            f"{len(b.pictures):,} only in the second."
        )
    rows_a, rows_b = (
        sorted(range(len(one.kinds)), key=lambda n, one=one: (one.pictures[n], one.kinds[n]))  # type: ignore[misc]
        for one in (a, b)
    )
    other = sum(a.kinds[i] != b.kinds[j] for i, j in zip(rows_a, rows_b, strict=True))
    if other:
        raise ModelError(
            f"The two were measured on the same pictures, but {other:,} of {len(a.kinds):,} have "
            "another label."
        )
    order = np.empty(len(a.kinds), np.int64)
    order[rows_a] = rows_b
    return Locked(a.pictures, a.kinds, b.probabilities[order], b.abstained[order])


# What is added up of each cell, of either model: its place in the table of truth and answer, its
# confidence minus whether it is right by bin of confidence, its log loss, whether it is abstained
# on, and that it is there.
TABLE, GAPS = 0, SIZE * SIZE
LOSS = GAPS + BINS
ABSTAINED, THERE, WIDTH = LOSS + 1, LOSS + 2, LOSS + 3


def _columns(locked: Locked, known: np.ndarray) -> np.ndarray:
    """(N, 43) float64; what a cell of none of the classes does not have is 0."""
    cells = np.arange(len(known))
    truth, predicted = np.where(known, locked.truth, 0), locked.predicted
    confidence = locked.probabilities[cells, predicted]
    columns = np.zeros((len(known), WIDTH))
    columns[cells, TABLE + truth * SIZE + predicted] = known
    columns[cells, GAPS + bins_of(locked.probabilities)] = (
        confidence - (predicted == truth)
    ) * known
    columns[:, LOSS] = -np.log(np.maximum(locked.probabilities[cells, truth], 1e-12)) * known
    columns[:, ABSTAINED] = locked.abstained
    columns[:, THERE] = 1
    return columns


def _added_up(columns: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(G, 86): everything here is a sum over cells, so that a group's cells are one unit."""
    _, place = np.unique(groups, return_inverse=True)
    sums = np.zeros((int(place.max()) + 1, columns.shape[1]))
    np.add.at(sums, place, columns)
    return sums


def _resampled(columns: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """(r, 86) sums over N cells drawn with replacement; RESAMPLES of them in all."""
    rng, cells = np.random.default_rng(seed), len(columns)
    step = max(1, min(RESAMPLES, AT_ONCE // cells))
    for first in range(0, RESAMPLES, step):
        many = min(step, RESAMPLES - first)
        rows = rng.integers(0, cells, (many, cells))
        rows += np.arange(many)[:, np.newaxis] * cells
        counts = np.bincount(rows.ravel(), minlength=many * cells)
        yield counts.reshape(many, cells) @ columns


def _figures(sums: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> (R,) of the first and (R,) of the second; nan where a resample has no such cell."""
    first, second = _of_one(sums[:, :WIDTH]), _of_one(sums[:, WIDTH:])
    return {name: (first[name], second[name]) for name in first}


def _of_one(sums: np.ndarray) -> dict[str, np.ndarray]:
    tables = sums[:, TABLE:GAPS].reshape(-1, SIZE, SIZE)
    hits, true, said = tables.diagonal(axis1=1, axis2=2), tables.sum(axis=2), tables.sum(axis=1)
    known = _or_nan(true.sum(axis=1))
    recall = hits / _or_nan(true)
    f1 = np.where(true > 0, 2 * hits / np.maximum(true + said, 1), 0)
    return {
        "accuracy": hits.sum(axis=1) / known,
        "macro_f1": f1.sum(axis=1) / _or_nan((true > 0).sum(axis=1)),
        "ece": np.abs(sums[:, GAPS:LOSS]).sum(axis=1) / known,
        "loss": sums[:, LOSS] / known,
        "abstained": sums[:, ABSTAINED] / sums[:, THERE],
        **{name: recall[:, place] for place, name in enumerate(CLASSES)},
    }


def _or_nan(counts: np.ndarray) -> np.ndarray:
    return np.where(counts > 0, counts, np.nan)


def _changed(a: Locked, b: Locked) -> tuple[Changed, ...]:
    truth, said_a, said_b = a.truth, a.predicted, b.predicted
    sure_a, sure_b = a.probabilities.max(axis=1), b.probabilities.max(axis=1)
    rows = []
    for n in np.flatnonzero((said_a != said_b) | (a.abstained != b.abstained)):
        rows.append(
            Changed(
                picture=a.pictures[n][0],
                kind=a.kinds[n],
                move=_move(truth[n], said_a[n], said_b[n], abstains=bool(b.abstained[n])),
                said=(CLASSES[said_a[n]], CLASSES[said_b[n]]),
                confidence=(float(sure_a[n]), float(sure_b[n])),
                abstained=(bool(a.abstained[n]), bool(b.abstained[n])),
            )
        )
    return tuple(sorted(rows, key=lambda row: (MOVES.index(row.move), -row.confidence[1])))


def _move(truth: int, first: int, second: int, *, abstains: bool) -> Move:
    if first == second:
        return "abstains" if abstains else "answers"
    if truth < 0:
        return "other"
    if first == truth:
        return "lost"
    return "gained" if second == truth else "still wrong"
