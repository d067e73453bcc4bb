"""Whether readers override the model more often than before: from the counts of signed cells."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from accounts.models import Organisation
from classifier.choices import ModelState
from classifier.models import ModelVersion
from monitoring.alarms import alarm_settle
from monitoring.choices import AlarmKind
from monitoring.counting import bounds
from monitoring.models import SignedCount
from monitoring.shares import Rate

RECENT = 300  # answered and signed cells, at least
EARLIER = 300


@dataclass(frozen=True)
class Compared:
    """The newest signed cells of an organisation, and all earlier ones of the same model."""

    recent: Rate
    earlier: Rate
    first: date
    last: date

    @property
    def over(self) -> bool:
        """Their intervals do not meet."""
        return self.recent.interval[0] > self.earlier.interval[1]


@transaction.atomic
def overrides_check() -> None:
    """Bring the alarms about overrides in line with the counts. Safe to run as often as wanted."""
    for version in ModelVersion.objects.filter(state=ModelState.ACTIVE):
        for organisation, found in compared(version).items():
            alarm_settle(
                kind=AlarmKind.OVERRIDES,
                organisation=Organisation.objects.get(pk=organisation),
                version=version,
                stream=None,
                over=found.over,
                value=found.recent.value or 0.0,
                limit=found.earlier.interval[1],
                cells=found.recent.total,
                oldest_at=bounds(found.first)[0],
                newest_at=min(_end(found.last), timezone.now()),
            )


def _end(day: date) -> datetime:
    return bounds(day)[1] - timedelta(microseconds=1)


def compared(version: ModelVersion) -> dict[int, Compared]:
    """By organisation, of those that have cells enough of both; one query."""
    rows = (
        SignedCount.objects.filter(version=version, abstained=False)
        .values("origin__organisation", "day")
        .annotate(answered=Sum("cells"), kept=Sum("cells", filter=Q(signed=F("said")), default=0))
        .order_by("origin__organisation", "-day")
    )
    days: dict[int, list[tuple[date, int, int]]] = {}
    for row in rows:
        one = (row["day"], row["answered"] - row["kept"], row["answered"])
        days.setdefault(row["origin__organisation"], []).append(one)
    found = {organisation: _split(theirs) for organisation, theirs in days.items()}
    return {organisation: one for organisation, one in found.items() if one is not None}


def _split(days: list[tuple[date, int, int]]) -> Compared | None:
    """``days``: (day, overridden, answered), the newest first."""
    overridden = answered = 0
    for place, (day, wrong, many) in enumerate(days):
        overridden, answered = overridden + wrong, answered + many
        if answered >= RECENT:
            rest = days[place + 1 :]
            earlier = Rate(sum(one[1] for one in rest), sum(one[2] for one in rest))
            if earlier.total < EARLIER:
                return None
            return Compared(Rate(overridden, answered), earlier, day, days[0][0])
    return None
