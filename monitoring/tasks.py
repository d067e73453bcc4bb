"""What beat starts. Safe to run twice and at the same time; what takes longer goes on in a task of
its own, so that a stat case need not wait for it."""

import time
from datetime import date, timedelta

from django.utils import timezone

from classifier.dispatch import send_upkeep
from monitoring.counting import day_count, days_to_count
from monitoring.overrides import overrides_check
from monitoring.streams import follow
from telemed.tasks import upkeep

SECONDS = 20.0  # in one task
RECOUNTED = 31  # days that are counted anew at night: details of a case may have been corrected


@upkeep(name="monitoring.tasks.watch")
def watch() -> None:
    """Follow the streams, and count the days that are not settled."""
    if follow(seconds=SECONDS):
        send_upkeep(watch)
        return
    if count_days(days_to_count(timezone.now())):
        overrides_check()
    else:
        send_upkeep(watch)


@upkeep(name="monitoring.tasks.recount")
def recount(*, after: str = "") -> None:
    """The nightly look at the last days, as what the cases say of themselves now."""
    today = timezone.localdate()
    first = date.fromisoformat(after) if after else today - timedelta(days=RECOUNTED)
    days = [first + timedelta(days=n) for n in range((today - first).days)]
    if (rest := _count(days)) is not None:
        send_upkeep(recount, after=rest.isoformat())


def count_days(days: list[date]) -> bool:
    """Count these days for as long as one task may; True when all are done."""
    return _count(days) is None


def _count(days: list[date]) -> date | None:
    """The first of these days that there was no time for."""
    deadline = time.monotonic() + SECONDS
    for place, day in enumerate(days):
        if place and time.monotonic() > deadline:
            return day
        day_count(day=day)
    return None
