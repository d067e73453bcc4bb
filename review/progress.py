"""How far a reading has come, counted in the database's own words: asked for after every act."""

from dataclasses import asdict, dataclass

from django.db.models import Max

from classifier.choices import OPEN_STATES, PredictionState
from classifier.models import Cell, Prediction
from review.choices import Label
from review.current import newest_labels
from review.models import Act, CellSeen, Reading, Verdict


@dataclass(frozen=True)
class Progress:
    cells: int
    undecided: int
    """Called "unidentified" now."""
    unseen: int
    """On nobody's screen yet, and without a verdict."""
    waiting: int
    """Not answered by the model yet."""
    last: int
    """Number of the reading's newest act; 0 before the first."""

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def reading_progress(reading: Reading) -> Progress:
    """Five queries of plain values: nothing that ``cell_states`` would load for showing."""
    cells = set(
        Cell.objects.filter(
            image__case=reading.case_id, image__removed_at__isnull=True
        ).values_list("pk", flat=True)
    )
    said = newest_labels(Verdict.objects.filter(act__reading=reading))
    answers: dict[int, tuple[str, bool]] = {
        cell: (state, abstained)
        for cell, state, abstained in Prediction.objects.of_case(reading.case)
        .exclude(state=PredictionState.CANCELLED)
        .order_by("pk")
        .values_list("cell_id", "state", "abstained")
    }
    seen = set(CellSeen.objects.filter(reading=reading).values_list("cell_id", flat=True))

    def decided(cell: int) -> bool:
        if cell in said:
            return said[cell] != Label.UNIDENTIFIED
        return not reading.hides_model and answers.get(cell) == (PredictionState.DONE, False)

    waiting = {cell for cell in cells if cell not in answers or answers[cell][0] in OPEN_STATES}
    return Progress(
        cells=len(cells),
        undecided=sum(not decided(cell) for cell in cells),
        unseen=len(cells - seen - said.keys()),
        waiting=len(waiting),
        last=Act.objects.filter(reading=reading).aggregate(last=Max("number"))["last"] or 0,
    )
