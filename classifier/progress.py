"""How far the reading of a case is, and how long the rest will take: cheap enough to poll."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from classifier.choices import OPEN_STATES, PredictionState
from classifier.models import Prediction
from patients.choices import Priority

RECENT = timedelta(seconds=20)
SAMPLE = 64  # finished cells that the rate is measured on
FEWEST = 4  # below this a rate is a guess
AHEAD = {
    Priority.STAT: [Priority.STAT],
    Priority.ROUTINE: [Priority.STAT, Priority.ROUTINE],
    Priority.BACKGROUND: [Priority.STAT, Priority.ROUTINE, Priority.BACKGROUND],
}


def stamp(case: Any) -> str:
    """Changes whenever anything that the gallery shows changes: two counting queries."""
    states = Prediction.objects.of_case(case).aggregate(
        rows=Count("pk"),
        last=Max("pk"),
        attempts=Sum("attempt"),
        **{state: Count("pk", filter=Q(state=state)) for state in PredictionState.values},
    )
    images = case.images.present().aggregate(images=Count("pk"), newest=Max("pk"))
    values = [case.status, *images.values(), *states.values()]
    return "-".join(str(value or 0) for value in values)


def rate() -> float | None:
    """Cells a second that all workers together finished just now; None when that is unknown."""
    finished = list(
        Prediction.objects.filter(state=PredictionState.DONE)
        .order_by("-pk")
        .values_list("finished_at", flat=True)[:SAMPLE]
    )
    now = timezone.now()
    recent = [at for at in finished if at and now - at < RECENT]
    if len(recent) < FEWEST:
        return None
    # A batch ends at one moment, so time is counted up to now and not between the ends alone.
    seconds = (now - min(recent)).total_seconds()
    return len(recent) / seconds if seconds > 0 else None


@dataclass(frozen=True)
class Wait:
    """Seconds until the last open cell of a case is read."""

    seconds: int

    def __str__(self) -> str:
        if self.seconds < 90:
            return f"about {self.seconds} s left"
        return f"about {round(self.seconds / 60)} min left"


def wait(case: Any) -> Wait | None:
    """None when nothing is open or the rate is not known."""
    last = Prediction.objects.of_case(case).open().aggregate(last=Max("pk"))["last"]
    speed = rate() if last is not None else None
    if last is None or not speed:
        return None
    ahead = Prediction.objects.filter(state__in=OPEN_STATES, queue__in=AHEAD[case.priority])
    count = ahead.filter(Q(pk__lte=last) | ~Q(queue=case.priority)).count()
    return Wait(max(1, round(count / speed)))


def poll_seconds(open_cells: int) -> int:
    """How often the page asks: often when the end is near, rarely in a long queue."""
    return 1 if open_cells <= 60 else 2 if open_cells <= 200 else 4
