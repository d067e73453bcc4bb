"""What a model's page shows of one locked set.

Nothing is measured anew: curves are of what the model said when it was evaluated (predictions.csv),
and what that does not hold is what the model states (metrics.json). What is worked out is kept in
the process, by the SHA-256 of the file that it comes from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from classifier import drawn
from classifier.charts import Chart
from classifier.inference.classes import CLASSES
from classifier.inference.errors import ModelError
from classifier.inference.locked import FILE_NAME as PREDICTIONS
from classifier.inference.locked import Locked, read_locked
from classifier.measures import (
    Bin,
    ClassRow,
    Share,
    calibration_error,
    class_rows,
    confusion,
    known,
    precision_recall,
    reliability,
    risks,
    roc,
    taken_for,
)
from classifier.model_pages import TEST_SETS, ModelFacts
from classifier.stated import Figure, Source

MOST_ANSWERS = 5000  # that are listed of a set
SHADES = 9  # of the confusion table, beside none


@dataclass(frozen=True)
class Taken:
    """One field of the confusion table."""

    kind: str
    said: str
    count: int
    share: float
    """Of the cells of its row."""

    @property
    def right(self) -> bool:
        return self.kind == self.said

    @property
    def shade(self) -> int:
        """0 for none; it grows with the root, so that the few are seen too."""
        return int(np.ceil(SHADES * self.share**0.5))


@dataclass(frozen=True)
class TakenRow:
    kind: str
    fields: Sequence[Taken]
    total: int
    abstained: Share | None = None


@dataclass(frozen=True)
class Answer:
    """What was said of one cell."""

    picture: str
    kind: str
    said: str
    confidence: float
    abstained: bool

    @property
    def harmless(self) -> bool:
        """Of none of the classes, and abstained on: as it should be."""
        return self.abstained and self.kind not in CLASSES


@dataclass(frozen=True)
class SetView:
    """One set; without predictions.csv there are the tables alone."""

    source: Source
    taken: Sequence[TakenRow] = ()
    classes: Sequence[ClassRow] = ()
    charts: Sequence[Chart] = ()
    bins: Sequence[Bin] = ()
    mistakes: Sequence[Answer] = ()
    """Cells that were taken for what they are not, as all of none of the classes are; the surest
    first."""
    doubts: Sequence[Answer] = ()
    """Cells that were taken for what they are; the least sure first."""
    bars: Sequence[tuple[str, Sequence[tuple[str, Figure]]]] = ()
    """(figure, (kind, its value) each)."""
    risks: Sequence[tuple[float, float, Share]] = ()
    from_predictions: bool = False


def locked_sets(facts: ModelFacts) -> dict[str, Locked]:
    """What a model said of the locked sets; ModelError, in one sentence, where it cannot be had."""
    sha256 = (facts.manifest.get("files") or {}).get(PREDICTIONS)
    if not sha256:
        raise ModelError(
            f"{facts.model_id} came without {PREDICTIONS}: what it said of each cell of the locked "
            "sets is not known."
        )
    if facts.directory is None:
        raise ModelError(f"The files of {facts.model_id} are not on this machine.")
    stream = facts.open(PREDICTIONS)
    if stream is None:
        raise ModelError(
            f"{PREDICTIONS} of {facts.model_id} is missing or not the one that its manifest names."
        )
    stream.close()
    return _read(facts.directory / PREDICTIONS, sha256)


@lru_cache(maxsize=4)
def _read(path: Path, sha256: str) -> dict[str, Locked]:
    return read_locked(path)


def first_set(names: Sequence[str]) -> str | None:
    """The one that is shown first: the test cells, where there are any."""
    tests = [*TEST_SETS, *(name for name in names if name.endswith("/test"))]
    return next((name for name in tests if name in names), names[0] if names else None)


def all_sources(stated: Sequence[Source], sets: dict[str, Locked]) -> list[Source]:
    """What is stated of every set, then what can be counted of sets of which nothing is."""
    named = {source.name for source in stated}
    return [*stated, *(_counted(name, one) for name, one in sets.items() if name not in named)]


def _counted(name: str, locked: Locked) -> Source:
    own = known(locked)
    right = Share(int((own.predicted == own.truth).sum()), len(own.kinds))
    answered = Share(
        int(((own.predicted == own.truth) & ~own.abstained).sum()), int((~own.abstained).sum())
    )
    return Source(
        name=name,
        cells=len(locked.kinds),
        accuracy=_figure(right),
        macro_f1=None,
        ece=Figure(calibration_error(reliability(own))) if own.kinds else None,
        loss=None,
        abstained=_figure(Share(int(locked.abstained.sum()), len(locked.kinds))),
        answered=_figure(answered),
        table=None,
        areas={},
    )


def _figure(share: Share) -> Figure | None:
    return None if share.value is None else Figure(share.value, share.interval)


def set_view(facts: ModelFacts, source: Source, sets: dict[str, Locked]) -> SetView:
    """Of the set that ``source`` is of."""
    if source.name in sets and facts.directory is not None:
        sha256 = facts.manifest["files"][PREDICTIONS]
        made = _of_predictions(facts.directory / PREDICTIONS, sha256, source.name)
        classes = _with_intervals(made["classes"], source)
        return SetView(source=source, **made | {"classes": classes}, from_predictions=True)
    if source.table is None:
        return SetView(source=source)
    rows = {
        name: (source.table[n], None) for n, name in enumerate(CLASSES) if source.table[n].any()
    }
    areas = {name: (figure.value, None) for name, figure in source.areas.items()}
    classes = _with_intervals(class_rows(source.table, areas), source)
    return SetView(source=source, taken=_taken(rows), classes=classes)


def _with_intervals(rows: Sequence[ClassRow], source: Source) -> list[ClassRow]:
    """An area's interval takes a bootstrap of its own; it is the one that is stated."""
    return [
        replace(row, area_interval=source.areas[row.name].interval)
        if row.name in source.areas and row.area is not None
        else row
        for row in rows
    ]


@lru_cache(maxsize=16)
def _of_predictions(path: Path, sha256: str, name: str) -> dict:
    """The parts of a SetView that come from predictions.csv."""
    locked = _read(path, sha256)[name]
    own = known(locked)
    made: dict = {
        "taken": _taken(taken_for(locked)),
        "mistakes": _answers(locked, right=False),
        "doubts": _answers(locked, right=True),
        "classes": [],
    }
    abstained = [
        (row.kind, figure)
        for row in made["taken"]
        if row.abstained and (figure := _figure(row.abstained))
    ]
    if not own.kinds:
        return made | {"bars": [("Abstained", abstained)]}
    areas = {}
    for place, label in enumerate(CLASSES):
        mine, scores = own.truth == place, own.probabilities[:, place]
        first, second = roc(mine, scores), precision_recall(mine, scores)
        if first and second:
            areas[label] = (first.area, second.area)
    rows, bins = class_rows(confusion(own), areas), reliability(own)
    drawings = (
        drawn.roc_chart(own),
        drawn.precision_recall_chart(own),
        drawn.reliability_chart(bins),
        drawn.risk_chart(own),
    )
    return made | {
        "classes": rows,
        "charts": [chart for chart in drawings if chart],
        "bars": [
            ("Recall", [(row.name, figure) for row in rows if (figure := _figure(row.recall))]),
            ("Abstained", abstained),
        ],
        "bins": bins,
        "risks": risks(own),
    }


def _taken(rows: dict) -> list[TakenRow]:
    """``rows``: kind -> ((5,) how many were said to be each class, how many abstained on)."""
    return [
        TakenRow(
            kind=kind,
            fields=[
                Taken(kind, label, int(said[n]), float(said[n] / max(1, said.sum())))
                for n, label in enumerate(CLASSES)
            ],
            total=int(said.sum()),
            abstained=None if abstained is None else Share(abstained, int(said.sum())),
        )
        for kind, (said, abstained) in rows.items()
    ]


def _answers(locked: Locked, *, right: bool) -> list[Answer]:
    """The right ones, the least sure first, or the wrong ones, the surest first; MOST_ANSWERS."""
    confidence = locked.probabilities.max(axis=1)
    rows = np.flatnonzero((locked.predicted == locked.truth) == right)
    order = np.argsort(confidence[rows] if right else -confidence[rows], kind="stable")
    return [
        Answer(
            picture=locked.pictures[n][0],
            kind=locked.kinds[n],
            said=CLASSES[locked.predicted[n]],
            confidence=float(confidence[n]),
            abstained=bool(locked.abstained[n]),
        )
        for n in rows[order][:MOST_ANSWERS]
    ]
