"""The database's clock. Leases are counted on it alone, so that no machine's own clock matters."""

import time
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.functions import Now


def database_now(*, plus_seconds: float = 0) -> Any:
    """The database's time, and so many seconds later (earlier when negative), as an expression."""
    if not plus_seconds:
        return Now()
    return ExpressionWrapper(
        Now() + Value(timedelta(seconds=plus_seconds)), output_field=DateTimeField()
    )


# Seconds that a machine may be wrong: far below the queue's visibility timeout and the leases.
TOLERANCE = 5.0
_EPOCH = {
    "postgresql": "SELECT EXTRACT(EPOCH FROM clock_timestamp())",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",  # the epoch as a Julian day
}


def seconds_ahead() -> float:
    """How far this process's clock is ahead of the database's; negative when it is behind."""
    connection.ensure_connection()  # what that takes is not the clock's fault
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute(_EPOCH[connection.vendor])
        theirs = float(cursor.fetchone()[0])
    return (before + time.time()) / 2 - theirs


def wrong_clock(whose: str, ahead: float) -> str:
    """What an administrator should know of a clock that is off; empty when it is right."""
    if abs(ahead) <= TOLERANCE:
        return ""
    direction = "ahead of" if ahead > 0 else "behind"
    return (
        f"The clock of {whose} is {abs(ahead):.0f} s {direction} the database's. Results stay right, "
        "but work is handed out twice and times are wrong. Set the clock (NTP)."
    )
