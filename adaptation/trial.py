"""What an adaptation would bring: fitted to some cases of a site, tried on the others of it.

Every cell is answered by a fit that has seen no cell of its case (cross-validation over cases), and
held against the model as it is by paired intervals over cases. Knows no database.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adaptation.fitting import Adapted, recalibrated, with_head
from classifier.compared import Compared, paired
from classifier.inference.classes import CLASSES
from classifier.inference.locked import Locked

FEWEST_CELLS, FEWEST_CASES, FEWEST_CLASSES = 20, 5, 2
FOLDS = 5
Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Adapted]
METHODS: tuple[tuple[str, str, Fit], ...] = (
    ("recalibrated", "Recalibrated", recalibrated),
    ("head", "Adapted head", with_head),
)


@dataclass(frozen=True)
class SiteCells:
    """N signed cells of one site, all of the model's classes, as one model version read them."""

    keys: tuple[str, ...]
    truth: np.ndarray
    """(N,) places in CLASSES."""
    probabilities: np.ndarray
    """(N, 5)."""
    places: np.ndarray
    """(N, K): the model's embeddings."""
    cases: np.ndarray
    """(N,) numbers that tell cases apart."""
    other_reasons: np.ndarray
    """(N,) bool: abstained on for another reason than its confidence, which no adaptation mends."""

    @property
    def counts(self) -> list[tuple[str, int]]:
        many = np.bincount(self.truth, minlength=len(CLASSES))
        return [(name, int(many[n])) for n, name in enumerate(CLASSES)]

    @property
    def case_count(self) -> int:
        return len(np.unique(self.cases))


@dataclass(frozen=True)
class Tried:
    """One adaptation beside the model as it is, on cells that its fits had not seen."""

    key: str
    name: str
    compared: Compared
    adapted: Adapted
    """As it would be: fitted to all cells."""

    @property
    def better(self) -> bool:
        """The log loss is shown to be lower, and the accuracy is not shown to be."""
        loss, accuracy = self.compared.loss, self.compared.accuracy
        return bool(loss and accuracy and loss.high < 0 and accuracy.high >= 0)


def why_not(cells: SiteCells) -> str:
    """Why nothing can be tried on these, as a sentence; empty when it can."""
    many, cases = len(cells.truth), cells.case_count
    classes = sum(count > 0 for _, count in cells.counts)
    if many < FEWEST_CELLS or cases < FEWEST_CASES:
        return (
            f"There are {many} signed cells of {cases} cases that can be used; it takes "
            f"{FEWEST_CELLS} cells of {FEWEST_CASES} cases."
        )
    if classes < FEWEST_CLASSES:
        return "All signed cells are of one class: nothing can be learnt from them."
    return ""


def tried(cells: SiteCells, *, confidence: float) -> list[Tried]:
    """Each adaptation in turn; ``confidence``: below this the model abstains. Needs ``why_not``'s
    yes; some seconds at 500 cells."""
    own = _said(cells, cells.probabilities, confidence)
    found = []
    for key, name, fit in METHODS:
        answers = held_out(cells, fit)
        found.append(
            Tried(
                key=key,
                name=name,
                compared=paired(own, _said(cells, answers, confidence), groups=cells.cases),
                adapted=fit(cells.probabilities, cells.places, cells.truth),
            )
        )
    return found


def held_out(cells: SiteCells, fit: Fit) -> np.ndarray:
    """(N, 5) answers to each cell by a fit to the other folds."""
    answers = np.empty_like(cells.probabilities)
    folds = folds_of(cells.cases)
    for fold in np.unique(folds):
        test = folds == fold
        adapted = fit(cells.probabilities[~test], cells.places[~test], cells.truth[~test])
        answers[test] = adapted.answers(cells.probabilities[test], cells.places[test])
    return answers


def folds_of(cases: np.ndarray) -> np.ndarray:
    """(N,) fold of each cell: whole cases, the largest first, each into the emptiest fold."""
    numbers, place, many = np.unique(cases, return_inverse=True, return_counts=True)
    filled = np.zeros(min(FOLDS, len(numbers)), np.int64)
    fold = np.empty(len(numbers), np.int64)
    for case in np.argsort(-many, kind="stable"):
        fold[case] = int(filled.argmin())
        filled[fold[case]] += many[case]
    return fold[place]


def _said(cells: SiteCells, answers: np.ndarray, confidence: float) -> Locked:
    return Locked(
        pictures=tuple((key, "") for key in cells.keys),
        kinds=tuple(CLASSES[n] for n in cells.truth),
        probabilities=answers,
        abstained=cells.other_reasons | (answers.max(axis=1) < confidence),
    )
