"""What a shadow's reading came to: beside the active model's answers, and beside what was signed.

Nothing is measured anew and nothing is kept: everything is counted from the jobs when it is asked
for. What a cell was signed as is known to the apps above, which say so here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count

from classifier.choices import OPEN_STATES, ModelState, PredictionState
from classifier.compared import Compared, paired
from classifier.inference.classes import CLASSES
from classifier.inference.locked import Locked
from classifier.kappa import cohens_kappa
from classifier.measures import Share
from classifier.models import ModelVersion, Prediction
from classifier.querysets import PredictionQuerySet
from patients.choices import CaseStatus

ABSTAINED = "abstained"
ANSWERS = (*CLASSES, ABSTAINED)  # what people would be shown of a cell
MOST_SIGNED = 5_000  # cells, the newest
# Cells of one case resemble each other: so many cases before an interval says anything, and before
# it is to be relied on.
FEWEST_CASES, ENOUGH_CASES = 5, 20


@dataclass(frozen=True)
class SignedCell:
    label: str
    """As in review.choices.Label; the model's classes have the model's names."""
    before_model: bool
    """The reader named it before they saw what the active model says."""


Labels = Callable[[Any], dict[int, SignedCell]]
"""(values query set of cells' primary keys, of signed cases) -> by primary key."""

_labels: list[Labels] = []


def register(labels: Labels) -> None:
    """Say what cells were signed as."""
    _labels.append(labels)


@dataclass(frozen=True)
class Agreement:
    """What the shadow said where the active model said what, of the cells that both read."""

    table: np.ndarray
    """(6, 6) counts; rows are the active model's answers, in the order of ANSWERS."""
    kappa: float | None
    low: float | None
    high: float | None

    @property
    def same(self) -> Share:
        return Share(int(np.trace(self.table)), int(self.table.sum()))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """For a table: each answer of the active model that occurs, and its fields."""
        totals = self.table.sum(axis=1)
        return [
            {
                "said": ANSWERS[n],
                "total": int(totals[n]),
                "fields": [
                    {
                        "said": ANSWERS[m],
                        "count": int(self.table[n, m]),
                        "right": n == m,
                        "shade": int(np.ceil(9 * self.table[n, m] / totals[n])),
                    }
                    for m in range(len(ANSWERS))
                ],
            }
            for n in range(len(ANSWERS))
            if totals[n]
        ]


@dataclass(frozen=True)
class OnSigned:
    """Both models on the cells of signed cases, held against what they were signed as."""

    cells: int
    cases: int
    known: int
    """Signed as one of the model's classes: all others are right by neither."""
    shadow: Share
    active: Share
    compared: Compared | None
    """With paired intervals; None of too few cases."""
    before: int
    """Of those known, the cells that were named before the active model's answer was seen."""
    before_shadow: Share
    before_active: Share

    @property
    def all_there_are(self) -> bool:
        return self.cells < MOST_SIGNED

    @property
    def few_cases(self) -> bool:
        return self.cases < ENOUGH_CASES


@dataclass(frozen=True)
class Reading:
    """Everything that a shadow's page shows."""

    version: ModelVersion
    read: int
    waiting: int
    set_aside: int
    beside: ModelVersion | None
    """The model that it is compared with; None before anything was read."""
    elsewhere: int
    """Cells that it read beside other models, which were active then: not compared here."""
    agreement: Agreement | None
    signed: OnSigned | None

    @property
    def going_on(self) -> bool:
        return self.version.state == ModelState.SHADOW


def has_read(version: ModelVersion) -> bool:
    """Whether it ever read along."""
    return Prediction.jobs.of_shadows().filter(model_version=version).exists()


def stamp(version: ModelVersion) -> str:
    """Changes whenever the figures do: two counting queries."""
    counts = _counts(version)
    signed = _signed_rows(version, None).count()
    return "-".join([version.state, *(str(counts[state]) for state in counts), str(signed)])


def reading(version: ModelVersion) -> Reading:
    """A handful of queries, however much it has read; of the signed cells the newest."""
    counts = _counts(version)
    beside, cells = _beside(version)
    return Reading(
        version=version,
        read=counts[PredictionState.DONE],
        waiting=sum(counts[state] for state in OPEN_STATES),
        set_aside=counts[PredictionState.QUARANTINED],
        beside=beside,
        elsewhere=counts[PredictionState.DONE] - cells,
        agreement=_agreement(version, beside) if beside else None,
        signed=_on_signed(version, beside) if beside else None,
    )


def _jobs(version: ModelVersion) -> PredictionQuerySet:
    return Prediction.jobs.of_shadows().filter(model_version=version)


def _counts(version: ModelVersion) -> dict[str, int]:
    found = dict.fromkeys(PredictionState.values, 0)
    rows = _jobs(version).order_by().values_list("state").annotate(number=Count("pk"))
    return found | dict(rows)


def _beside(version: ModelVersion) -> tuple[ModelVersion | None, int]:
    """The active model, or the one that most was read beside; and how many cells that is."""
    many = dict(
        _jobs(version)
        .filter(state=PredictionState.DONE)
        .order_by()
        .values_list("beside__model_version")
        .annotate(number=Count("pk"))
    )
    if not many:
        return None, 0
    versions = ModelVersion.objects.in_bulk(many)
    chosen = next(
        (pk for pk in many if versions[pk].state == ModelState.ACTIVE),
        max(many, key=lambda pk: (many[pk], pk)),
    )
    return versions[chosen], many[chosen]


def _agreement(version: ModelVersion, beside: ModelVersion) -> Agreement:
    rows = (
        _jobs(version)
        .filter(state=PredictionState.DONE, beside__model_version=beside)
        .order_by()
        .values_list("beside__label", "beside__abstained", "label", "abstained")
        .annotate(number=Count("pk"))
    )
    table = np.zeros((len(ANSWERS), len(ANSWERS)), np.int64)
    for theirs, they_abstained, own, abstained, number in rows:
        first = ABSTAINED if they_abstained else theirs
        second = ABSTAINED if abstained else own
        table[ANSWERS.index(first), ANSWERS.index(second)] += number
    return Agreement(table, *cohens_kappa(table.tolist()))


def _signed_rows(version: ModelVersion, beside: ModelVersion | None) -> PredictionQuerySet:
    rows = _jobs(version).filter(
        state=PredictionState.DONE,
        cell__image__removed_at__isnull=True,
        cell__image__case__status=CaseStatus.SIGNED,
    )
    return rows.filter(beside__model_version=beside) if beside else rows


def _on_signed(version: ModelVersion, beside: ModelVersion) -> OnSigned | None:
    rows = list(
        _signed_rows(version, beside)
        .order_by("-pk")
        .values_list(
            "pk",
            "cell",
            "cell__image__case",
            "probabilities",
            "abstained",
            "beside__probabilities",
            "beside__abstained",
        )[:MOST_SIGNED]
    )
    if not rows:
        return None
    cells = _signed_rows(version, beside).filter(pk__gte=rows[-1][0]).values("cell")
    said: dict[int, SignedCell] = {}
    for labels in _labels:
        said |= labels(cells)
    rows = [row for row in rows if row[1] in said]
    if not rows:
        return None
    return _held_against(rows, [said[row[1]] for row in rows])


def _held_against(rows: list[tuple], signed: list[SignedCell]) -> OnSigned:
    _, cells, cases, own, abstained, theirs, they_abstained = zip(*rows, strict=True)
    pictures = tuple((str(cell), "") for cell in cells)
    kinds = tuple(one.label for one in signed)
    active, shadow = (
        Locked(pictures, kinds, np.array(values, float), np.array(left, bool))
        for values, left in ((theirs, they_abstained), (own, abstained))
    )
    groups = np.array(cases)
    many = len(np.unique(groups))
    known = active.truth >= 0
    before = known & np.array([one.before_model for one in signed])
    return OnSigned(
        cells=len(rows),
        cases=many,
        known=int(known.sum()),
        shadow=_right(shadow, known),
        active=_right(active, known),
        compared=paired(active, shadow, groups=groups)
        if many >= FEWEST_CASES and known.any()
        else None,
        before=int(before.sum()),
        before_shadow=_right(shadow, before),
        before_active=_right(active, before),
    )


def _right(locked: Locked, of: np.ndarray) -> Share:
    return Share(int(((locked.predicted == locked.truth) & of).sum()), int(of.sum()))
