"""Where a file that says it is a report's content differs from it, place by place."""

from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any

MOST = 50  # sentences; a file that differs everywhere is simply another one
_ABSENT = object()


def content_differences(stored: Any, said: Any) -> list[str]:
    """A sentence for each place, as "cells 3, label: eosinophil in the report, basophil in the file"."""
    found = list(islice(_differences(stored, said, ""), MOST + 1))
    return found[:MOST] + (["There are more differences."] if len(found) > MOST else [])


def _differences(stored: Any, said: Any, place: str) -> Iterator[str]:
    if isinstance(stored, dict) and isinstance(said, dict):
        for name in sorted({*stored, *said}):
            where = f"{place}, {name}" if place else name
            yield from _differences(stored.get(name, _ABSENT), said.get(name, _ABSENT), where)
    elif isinstance(stored, list) and isinstance(said, list):
        for number, (one, other) in enumerate(zip_longest(stored, said, fillvalue=_ABSENT), 1):
            yield from _differences(one, other, f"{place} {number}")
    elif stored is _ABSENT or said is _ABSENT or type(stored) is not type(said) or stored != said:
        yield f"{place}: {_words(stored)} in the report, {_words(said)} in the file."


def _words(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = str(value) if not isinstance(value, dict | list) else "something else"
    return text if len(text) <= 60 else f"{text[:60]}…"
