"""The counts behind the page as CSV: one row a day, origin, model and what was said."""

import csv
from collections.abc import Callable, Iterator
from typing import Any

from monitoring import bands
from monitoring.filters import Known, Wanted
from monitoring.models import Origin, ReadCount, SignedCount

ROWS = 2000  # fetched at a time
_ORIGIN = ["day", "organisation", "stain", "microscope", "site", "model"]


class _Echo:
    """A file that gives back each line that is written to it."""

    def write(self, value: str) -> str:
        return value


def signed_lines(wanted: Wanted, known: Known) -> Iterator[str]:
    """What the model said against what was signed."""
    rows = SignedCount.objects.filter(wanted.where).order_by("day", "origin", "version", "said")
    names = ["said", "abstained", "signed", "cells"]
    return _lines(rows, known, names)


def read_lines(wanted: Wanted, known: Known) -> Iterator[str]:
    """What the model said, and how sure it was."""
    rows = ReadCount.objects.filter(wanted.where).order_by("day", "origin", "version", "label")
    names = ["label", "read", "abstained", *bands.fields("confidence"), *bands.fields("score")]
    heads = names[:3]
    heads += [f"confidence {band}" for band in bands.names(bands.CONFIDENCE)]
    heads += [f"in-distribution score {band}" for band in bands.names(bands.SCORE)]
    return _lines(rows, known, names, heads)


FILES: dict[str, Callable[[Wanted, Known], Iterator[str]]] = {
    "signed": signed_lines,
    "read": read_lines,
}


def _lines(
    rows: Any, known: Known, names: list[str], heads: list[str] | None = None
) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield writer.writerow([*_ORIGIN, *(heads or names)])
    for row in rows.values("day", "origin", "version", *names).iterator(chunk_size=ROWS):
        origin = known.origins.get(row["origin"]) or Origin.objects.get(pk=row["origin"])
        facts = [
            row["day"].isoformat(),
            _plain(origin.organisation.name),
            origin.get_stain_display(),
            _plain(origin.device),
            _plain(origin.site),
            known.versions[row["version"]].model_id,
        ]
        yield writer.writerow([*facts, *(_number(row[name]) for name in names)])


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _plain(words: str) -> str:
    """What people typed never begins a formula where the file is opened as a table."""
    return f"'{words}" if words[:1] in ("=", "+", "-", "@", "\t", "\r") else words
