"""How far new cells lie from a reference: NumPy alone, no database.

Three measures, each blind to what another sees. The population stability index (PSI) of the
confidence, in fifths of the reference; the PSI of the classes that the model says; and the energy
distance of the embeddings, taken within each class, so that another mix of cells is not mistaken
for another look of them.

A cell more or less always differs by chance. What counts as drift must be above a limit that means
something, and above what chance reaches once in a thousand times.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from classifier.counting import exact_interval
from classifier.inference.classes import CLASSES
from monitoring.cells import Cells
from monitoring.choices import AlarmKind

REFERENCE = 400  # cells
WINDOW = 200  # cells
# The customary reading of a PSI: below 0.1 nothing, from 0.25 on a major shift (Siddiqi 2006,
# Credit Risk Scorecards).
PSI_LIMIT = 0.25
# Seven times what re-samples of one population reached (docs/performance.md).
DISTANCE_LIMIT = 0.03
PARTS = 5  # of the confidence: with ten, 1 of 180 re-samples was above the limit by chance
FEWEST_OF_CLASS = 10  # in window and reference, for its embeddings to be compared
PERMUTATIONS = 999
Z_999 = 3.0902  # of 99.9 %, one-sided


@dataclass(frozen=True)
class Measured:
    """A window against its reference."""

    cells: int
    cases: int
    confidence_psi: float
    classes_psi: float
    distance: float | None
    abstained: int
    limits: dict[str, float]
    over: dict[str, float]
    """The kinds of alarm that are called for, with the value that calls."""
    values: dict[str, float]
    """Every kind that could be measured."""


def measure(window: Cells, reference: Cells) -> Measured:
    """Both have some hundred cells. Deterministic: the same cells, the same figures."""
    confidence = psi(*_in_parts(reference.confidence, window.confidence))
    classes = psi(_by_class(reference), _by_class(window))
    distance, unlikely = population_distance(window, reference)
    abstained, before = int(window.abstained.sum()), int(reference.abstained.sum())
    chance = 1 / len(window) + 1 / len(reference)
    limits = {
        AlarmKind.CONFIDENCE.value: max(PSI_LIMIT, chance * chi_square(PARTS - 1)),
        AlarmKind.CLASSES.value: max(PSI_LIMIT, chance * chi_square(len(CLASSES) - 1)),
        AlarmKind.APPEARANCE.value: DISTANCE_LIMIT,
        AlarmKind.ABSTENTION.value: exact_interval(before, len(reference))[1],
    }
    values = {
        AlarmKind.CONFIDENCE.value: confidence,
        AlarmKind.CLASSES.value: classes,
        AlarmKind.ABSTENTION.value: abstained / len(window),
    }
    if distance is not None:
        values[AlarmKind.APPEARANCE.value] = distance
    over = {kind: value for kind, value in values.items() if value > limits[kind]}
    if not unlikely:
        over.pop(AlarmKind.APPEARANCE.value, None)
    if exact_interval(abstained, len(window))[0] <= limits[AlarmKind.ABSTENTION]:
        over.pop(AlarmKind.ABSTENTION.value, None)
    return Measured(
        cells=len(window),
        cases=window.cases,
        confidence_psi=confidence,
        classes_psi=classes,
        distance=distance,
        abstained=abstained,
        limits=limits,
        over=over,
        values=values,
    )


def psi(expected: np.ndarray, found: np.ndarray) -> float:
    """Population stability index of two rows of counts: sum of (p - q) ln(p / q).

    Half a cell is added to each count, so that an empty one is small and not impossible.
    """
    p = (expected + 0.5) / (expected.sum() + 0.5 * len(expected))
    q = (found + 0.5) / (found.sum() + 0.5 * len(found))
    return float(((p - q) * np.log(p / q)).sum())


def chi_square(freedom: int) -> float:
    """What a chi-square variable of so many degrees of freedom exceeds once in a thousand times
    (Wilson & Hilferty 1931). A PSI of n and m cells that differ by chance is 1/n + 1/m times one
    (Yurdakul 2018)."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + Z_999 * sqrt(part)) ** 3)


def _in_parts(reference: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts between the quintiles of the reference, of both."""
    ends = np.unique(np.quantile(reference, np.linspace(0, 1, PARTS + 1)[1:-1]))
    counts = [
        np.bincount(np.searchsorted(ends, values, side="right"), minlength=len(ends) + 1)
        for values in (reference, window)
    ]
    return counts[0], counts[1]


def _by_class(cells: Cells) -> np.ndarray:
    return np.bincount(cells.label, minlength=len(CLASSES))


def population_distance(window: Cells, reference: Cells) -> tuple[float | None, bool]:
    """Energy distance of the embeddings (Székely & Rizzo 2013, J Stat Plan Inference 143:1249), as
    the share of the distance between the two populations that is not within them: 0 where they are
    the same, near 1 where they lie apart. Within each class of ``CLASSES`` as the model said it, on
    average over the window's cells. And whether chance would rarely (1 in 1000) do as much, by
    permutation within the classes. None where no class has cells enough in both.
    """
    classes = []
    for label in range(len(CLASSES)):
        ours, theirs = _places(window, label), _places(reference, label)
        if min(len(ours), len(theirs)) >= FEWEST_OF_CLASS:
            classes.append((_distances(np.concatenate([ours, theirs])), len(ours)))
    if not classes:
        return None, False
    whole = sum(many for _, many in classes)
    given = [_energy(table, many, None) for table, many in classes]
    value = sum(one * many for one, (_, many) in zip(given, classes, strict=True)) / whole
    if value <= DISTANCE_LIMIT:
        return max(0.0, float(value)), False
    rng = np.random.default_rng(0)
    by_chance = np.zeros(PERMUTATIONS)
    for table, many in classes:
        by_chance += _energy(table, many, rng) * (many / whole)
    return float(value), bool((by_chance >= value).sum() == 0)


def _places(cells: Cells, label: int) -> np.ndarray:
    found = cells.place[cells.label == label].astype(np.float32)
    if not found.shape[1]:
        return found[:0]
    return found[np.isfinite(found).all(axis=1)]


def _distances(points: np.ndarray) -> np.ndarray:
    """(N, N) Euclidean distances of (N, K) points."""
    squares = (points * points).sum(axis=1)
    table = squares[:, None] + squares[None, :] - 2 * points @ points.T
    table = np.sqrt(np.maximum(table, 0))
    np.fill_diagonal(table, 0)
    return table


def _energy(table: np.ndarray, many: int, rng: np.random.Generator | None) -> np.ndarray:
    """Of the first ``many`` points of a table of distances against the rest; with a generator, of
    as many random choices: (PERMUTATIONS,).

    With no point counted against itself, so that few cells do not look further apart than many.
    """
    total = len(table)
    rest = total - many
    ours = np.zeros((1 if rng is None else PERMUTATIONS, total), np.float32)
    if rng is None:
        ours[:, :many] = 1
    else:
        order = rng.random(ours.shape).argpartition(many, axis=1)[:, :many]
        np.put_along_axis(ours, order, 1, axis=1)
    reached = ours @ table
    inside = (reached * ours).sum(axis=1)
    across = reached.sum(axis=1) - inside
    outside = table.sum() - inside - 2 * across
    between = across / (many * rest)
    within = inside / (many * (many - 1)) + outside / (rest * (rest - 1))
    energy = (2 * between - within) / np.maximum(2 * between, 1e-9)
    return energy if rng is not None else energy[0]
