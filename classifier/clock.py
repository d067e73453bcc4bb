"""The database's clock. Leases are counted on it alone, so that no machine's own clock matters."""

from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.functions import Now


def database_now(*, plus_seconds: float = 0) -> Any:
    """The database's time, and so many seconds later (earlier when negative), as an expression."""
    if not plus_seconds:
        return Now()
    return ExpressionWrapper(
        Now() + Value(timedelta(seconds=plus_seconds)), output_field=DateTimeField()
    )
