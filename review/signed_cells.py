"""What cells were signed as: for whatever holds a model against it (``classifier.shadow_figures``)."""

from typing import Any

from classifier.choices import PredictionState
from classifier.models import Prediction
from classifier.shadow_figures import SignedCell
from review.choices import Label, ReadingKind
from review.current import suggestion
from review.models import Verdict


def signed_cells(cells: Any) -> dict[int, SignedCell]:
    """Of these cells of signed cases: the newest verdict of the primary reading, or the suggestion
    that was left to stand. Two queries; ``cells`` is a query set of one column.
    """
    found: dict[int, SignedCell] = {}
    answers = (
        Prediction.objects.filter(cell__in=cells)
        .exclude(state=PredictionState.CANCELLED)
        .only("cell_id", "state", "label", "abstained")
        .order_by("pk")
    )
    for row in answers:
        found[row.cell_id] = SignedCell(suggestion(row), before_model=False)
    verdicts = (
        Verdict.objects.filter(cell__in=cells, act__reading__kind=ReadingKind.PRIMARY)
        .order_by("act__number", "pk")
        .values_list("cell_id", "label", "act__at", "act__reading__committed_at")
    )
    for cell, label, at, committed in verdicts:
        found[cell] = SignedCell(label, before_model=committed is not None and at <= committed)
    return {cell: one for cell, one in found.items() if one.label not in ("", Label.UNIDENTIFIED)}
