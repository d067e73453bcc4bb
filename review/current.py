"""What every cell of a case is called now, in one reading of it. Derived, never stored."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from classifier.choices import PredictionState
from classifier.gallery import latest_predictions
from classifier.models import Cell, Prediction
from review.choices import Label, ReadingKind
from review.models import CellSeen, Reading, Verdict


@dataclass(frozen=True)
class CellState:
    """One cell in one reading."""

    cell: Cell
    prediction: Prediction | None
    suggested: str
    """The model's answer as a Label: UNIDENTIFIED where it abstained or could not, empty where it
    has not answered yet. Empty, too, while the reading hides it."""
    verdict: Verdict | None
    """The newest one, with its act and reader; None while nobody has said anything."""
    seen: bool
    """Somebody who reads this had it on screen, or gave a verdict on it."""

    @property
    def label(self) -> str:
        if self.verdict is not None:
            return self.verdict.label
        return self.suggested or Label.UNIDENTIFIED

    @property
    def decided(self) -> bool:
        return self.label != Label.UNIDENTIFIED

    @property
    def changed(self) -> bool:
        """The reader calls it something other than the model did."""
        return self.verdict is not None and self.verdict.label != self.verdict.suggested


def suggestion(prediction: Prediction | None) -> str:
    """The model's answer as a Label; empty while it has none."""
    if prediction is None:
        return ""
    if prediction.state == PredictionState.DONE:
        return Label.UNIDENTIFIED if prediction.abstained else prediction.label
    return Label.UNIDENTIFIED if prediction.state == PredictionState.QUARANTINED else ""


def latest_verdicts(
    reading: Reading, *, cells: Collection[UUID] | None = None
) -> dict[int, Verdict]:
    """The newest verdict on each cell (or on each of ``cells``), by the cell's primary key."""
    rows = Verdict.objects.filter(act__reading=reading)
    if cells is not None:
        rows = rows.filter(cell__public_id__in=cells)
    rows = rows.select_related("act__reader").order_by("act__number", "pk")
    return {row.cell_id: row for row in rows}


def newest_labels(verdicts: QuerySet[Verdict]) -> dict[int, str]:
    """What each cell is called by the newest of these verdicts, by the cell's primary key."""
    return dict(verdicts.order_by("act__number", "pk").values_list("cell_id", "label"))


def cell_states(
    reading: Reading, *, show_model: bool | None = None, cells: Collection[UUID] | None = None
) -> list[CellState]:
    """Every cell of the case's present pictures (or those of ``cells``), in upload order.

    Four queries. ``show_model`` overrides whether the model's answers are shown; by default a blind
    reading hides them until its reader has committed. Verdicts keep what the model said in any
    case.
    """
    shown = not reading.hides_model if show_model is None else show_model
    predictions = latest_predictions(reading.case, cells=cells)
    verdicts = latest_verdicts(reading, cells=cells)
    seen = set(CellSeen.objects.filter(reading=reading).values_list("cell_id", flat=True))
    rows = Cell.objects.filter(image__case=reading.case_id, image__removed_at__isnull=True)
    if cells is not None:
        rows = rows.filter(public_id__in=cells)
    rows = rows.select_related("image").order_by("image__position", "index")
    return [
        CellState(
            cell=cell,
            prediction=predictions.get(cell.pk),
            suggested=suggestion(predictions.get(cell.pk)) if shown else "",
            verdict=verdicts.get(cell.pk),
            seen=cell.pk in seen or cell.pk in verdicts,
        )
        for cell in rows
    ]


def primary_reading(case: Any) -> Reading | None:
    """The reading that is signed; None until a specialist first takes the case."""
    return Reading.objects.filter(case=case, kind=ReadingKind.PRIMARY).first()
