"""Counting days: from predictions and signed reports to a few rows a day, as often as wanted.

A day is counted whole: what it held is replaced in one transaction, so that counting it twice, or
by two workers at once, changes nothing. A day is settled when it was counted an hour after its end;
until then every run counts it again.
"""

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils import timezone

from classifier.choices import PredictionState
from classifier.models import ModelVersion, Prediction
from monitoring import bands
from monitoring.models import DayCounted, Origin, ReadCount, SignedCount
from monitoring.names import Names
from patients.models import Case
from review.choices import Label, ReportState
from review.models import Report

log = logging.getLogger(__name__)

# What was read shortly before midnight is committed soon after it, whatever the clocks say.
SETTLED_AFTER = timedelta(hours=1)
ROWS = 1000  # in one insert


def bounds(day: date) -> tuple[datetime, datetime]:
    """When the day begins, and the next."""
    begin = timezone.make_aware(datetime.combine(day, time.min))
    return begin, timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def days_to_count(now: datetime) -> list[date]:
    """The days that are not settled, the earliest first; those of reports that were amended since."""
    first = _first_open_day()
    if first is None:
        return []
    last = timezone.localdate(now)
    open_days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return sorted({*_replaced(first), *open_days})


def _first_open_day() -> date | None:
    """Behind the last settled day; days are counted in order."""
    rows = DayCounted.objects.filter(counted_at__isnull=False).order_by("-day")
    for row in rows[:3]:
        if row.counted_at is not None and row.counted_at >= bounds(row.day)[1] + SETTLED_AFTER:
            return row.day + timedelta(days=1)
    counted = rows.aggregate(day=Min("day"))["day"]
    return counted or first_day()


def first_day() -> date | None:
    """The day of the first cell that was read or signed."""
    read = _done().aggregate(at=Min("finished_at"))["at"]
    signed = Report.objects.aggregate(at=Min("final_at"))["at"]
    known = [timezone.localdate(at) for at in (read, signed) if at is not None]
    return min(known, default=None)


def _replaced(since: date) -> Iterator[date]:
    """Days on which a report became final that was amended since this day."""
    amended = Report.objects.filter(
        state=ReportState.FINAL, amends__isnull=False, final_at__gte=bounds(since)[0]
    )
    for at in amended.values_list("amends__final_at", flat=True):
        if at is not None:
            yield timezone.localdate(at)


@transaction.atomic
def day_count(*, day: date, now: datetime | None = None) -> int:
    """Count this day anew; how many cells were read on it. ``now``: as of when, for tests."""
    DayCounted.objects.get_or_create(day=day)
    row = DayCounted.objects.select_for_update().get(day=day)
    if now is None:
        now = timezone.now()
    origins = _Origins()
    read = _read_on(day, origins)
    signed = _signed_on(day, origins)
    ReadCount.objects.filter(day=day).delete()
    ReadCount.objects.bulk_create(read, batch_size=ROWS)
    SignedCount.objects.filter(day=day).delete()
    SignedCount.objects.bulk_create(signed, batch_size=ROWS)
    row.counted_at = now
    row.save(update_fields=["counted_at"])
    return sum(one.read for one in read)


class _Origins:
    """From a case's own words to its origin, each made once."""

    def __init__(self) -> None:
        self._names = Names()
        self._known = {
            (one.organisation_id, one.stain, one.device, one.site): one
            for one in Origin.objects.all()
        }

    def of(self, organisation: int, stain: str, device: str, site: str) -> Origin:
        key = (
            organisation,
            stain,
            self._names.device(organisation, device),
            self._names.site(organisation, site),
        )
        if key not in self._known:
            self._known[key], _ = Origin.objects.get_or_create(
                organisation_id=key[0], stain=key[1], device=key[2], site=key[3]
            )
        return self._known[key]


def _done() -> QuerySet[Prediction]:
    return Prediction.objects.filter(state=PredictionState.DONE).order_by()


_CASE = "cell__image__case__"
_FACTS = [f"{_CASE}{name}" for name in ("organisation", "stain", "device", "site")]


def _band_counts(column: str, what: str, ends: tuple[float, ...]) -> dict[str, Count]:
    """How many cells lie in each band; the first and the last are open towards outside."""
    places = list(zip(bands.fields(what), pairwise(ends), strict=True))
    found = {}
    for place, (name, (low, high)) in enumerate(places):
        inside = Q(**{f"{column}__isnull": False})
        if place > 0:
            inside &= Q(**{f"{column}__gte": low})
        if place < len(places) - 1:
            inside &= Q(**{f"{column}__lt": high})
        found[name] = Count("pk", filter=inside)
    return found


def _read_on(day: date, origins: _Origins) -> list[ReadCount]:
    """One query that groups the day's cells; spellings of one name are put together after it."""
    begin, end = bounds(day)
    rows = (
        _done()
        .filter(finished_at__gte=begin, finished_at__lt=end)
        .values(*_FACTS, "model_version", "label")
        .annotate(
            read=Count("pk"),
            out=Count("pk", filter=Q(abstained=True)),
            **_band_counts("confidence", "confidence", bands.CONFIDENCE),
            **_band_counts("in_distribution", "score", bands.SCORE),
        )
    )
    found: dict[tuple[int, int, str], Counter[str]] = defaultdict(Counter)
    columns = [*bands.fields("confidence"), *bands.fields("score")]
    for row in rows:
        origin = origins.of(*(row[name] for name in _FACTS))
        counts = found[origin.pk, row["model_version"], row["label"]]
        counts.update({"read": row["read"], "abstained": row["out"]})
        counts.update({name: row[name] for name in columns})
    return [
        ReadCount(day=day, origin_id=origin, version_id=version, label=label, **counts)
        for (origin, version, label), counts in found.items()
    ]


def _signed_on(day: date, origins: _Origins) -> list[SignedCount]:
    """From the frozen content of the reports that became final on this day and still stand."""
    begin, end = bounds(day)
    reports = (
        Report.objects.filter(state=ReportState.FINAL, final_at__gte=begin, final_at__lt=end)
        .select_related("case")
        .only("content", *(f"case__{name.removeprefix(_CASE)}" for name in _FACTS))
        .order_by("pk")
    )
    versions = dict(ModelVersion.objects.values_list("model_id", "pk"))
    found: Counter[tuple[int, int, str, bool, str]] = Counter()
    for report in reports.iterator(chunk_size=50):
        origin = origins.of(*_facts_of(report.case))
        for said in answers_of(report.content):
            if said["id"] in versions:
                key = (versions[said["id"]], said["label"], said["abstained"], said["signed"])
                found[origin.pk, *key] += 1
    return [
        SignedCount(
            day=day,
            origin_id=origin,
            version_id=version,
            said=said,
            abstained=abstained,
            signed=signed,
            cells=cells,
        )
        for (origin, version, said, abstained, signed), cells in found.items()
    ]


def _facts_of(case: Case) -> tuple[int, str, str, str]:
    return case.organisation_id, case.stain, case.device, case.site


def answers_of(content: str) -> Iterator[dict[str, Any]]:
    """Of each cell of a frozen report that a model answered: its id, what it said, what was signed.

    A stored report that was damaged is the business of verify_invariants: it counts for nothing.
    """
    try:
        for cell in json.loads(content)["cells"]:
            answer = cell["model"]
            if answer is not None and cell["label"] in Label.values:
                yield {
                    "id": answer["id"],
                    "label": str(answer["label"])[:16],
                    "abstained": bool(answer["abstained"]),
                    "signed": cell["label"],
                }
    except (ValueError, KeyError, TypeError) as error:
        log.error("a signed report could not be counted (%s)", type(error).__name__)


def counted_until() -> datetime | None:
    """As of when the figures are."""
    return DayCounted.objects.aggregate(at=Max("counted_at"))["at"]
