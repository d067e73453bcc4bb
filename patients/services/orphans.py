"""Files that no row points to: what a crash between writing and committing leaves behind."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice

from django.utils import timezone

from audit.services import record
from patients import storage
from patients.models import SmearImage
from patients.services.files import PICTURES, THUMBNAILS

log = logging.getLogger(__name__)

OLD_ENOUGH = timedelta(hours=1)  # no upload takes that long from file to row
_AT_ONCE = 500
Known = Callable[[Sequence[str]], set[str]]  # of these keys, those that a row points to


def _of_pictures(column: str) -> Known:
    def known(keys: Sequence[str]) -> set[str]:
        rows = SmearImage.objects.filter(**{f"{column}__in": keys})
        return set(rows.values_list(column, flat=True))

    return known


_known: dict[str, Known] = {
    PICTURES: _of_pictures("picture_key"),
    THUMBNAILS: _of_pictures("thumbnail_key"),
}


def register(prefix: str, known: Known) -> None:
    """Sweep another folder of the store too: one whose rows this app may not import."""
    _known[prefix] = known


def prefixes() -> tuple[str, ...]:
    """The folders that are swept."""
    return tuple(_known)


def orphans_found(*, older_than: timedelta = OLD_ENOUGH) -> Iterator[str]:
    """Keys without a row, written longer ago than ``older_than`` by the store's clock."""
    limit = timezone.now() - older_than
    for prefix, known in _known.items():
        old = (file.key for file in storage.list_stored(prefix) if file.modified < limit)
        while keys := list(islice(old, _AT_ONCE)):
            of_rows = known(keys)
            yield from (key for key in keys if key not in of_rows)


def orphans_sweep(*, older_than: timedelta = OLD_ENOUGH) -> int:
    """Delete orphans; returns how many. One audit event says so. Raises StorageUnavailable."""
    removed = 0
    for key in orphans_found(older_than=older_than):
        storage.delete(key)
        removed += 1
    if removed:
        record(action="image.orphans_swept", files=removed)
        log.info("removed %d files without a row", removed)
    return removed
