"""JSON that comes out byte for byte alike on every machine, and its hash."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

DECIMALS = 6  # of a fraction: more than any figure here is good for, fewer than machines differ in


def canonical(value: Any) -> str:
    """Sorted keys, no spaces, UTF-8 as it is. What is not a whole number is a string of decimals.

    Raises ValueError for a number that is none, TypeError for what has no place in a report.
    """
    return json.dumps(
        plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def digest(text: str) -> str:
    """SHA-256 of the text in UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any) -> Any:
    """The value in dicts, lists, strings, whole numbers, booleans and None alone."""
    if isinstance(value, Enum):  # before str and int, which an enumeration may be too
        return plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a number that a report may hold")
        return _decimal(Decimal(f"{value:.{DECIMALS}f}"))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is not a number that a report may hold")
        return _decimal(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    raise TypeError(f"a report holds no {type(value).__name__}")


def _decimal(value: Decimal) -> str:
    """ "7.2" of 7.20, "20" of 2E+1, "0" of -0.000: the one way to write each number."""
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text
