"""Making a data set, slice by slice: plan its items, fill them, compare them, deal their sides.

Each slice takes the set for itself, does a little and lets go, so that urgent work need not wait and
an interrupted set goes on where it stopped. Safe to run twice and at the same time.
"""

import logging
import time
from pathlib import Path
from uuid import uuid4

from django.db import Error, transaction
from django.db.models import Q

from classifier.bundles.zips import ZipRefused
from classifier.clock import database_now
from datasets import archives, pictures
from datasets.choices import OPEN_STATES, ItemState, Origin, SetState
from datasets.comparing import compare_block
from datasets.errors import SetRefused
from datasets.finishing import finish, refuse
from datasets.imported import plan_imported
from datasets.models import DataSet, Item
from datasets.signed import plan_signed
from patients import storage
from patients.images import DecoderUnavailable

log = logging.getLogger(__name__)

SLICE_SECONDS = 2.0
AT_ONCE = 500  # items that a slice looks up; it seldom comes to the end of them
QUIET_SECONDS = 60  # between two slices of one set: its next message may wait behind others
LEASE_SECONDS = 120  # longer than a task may run: not renewed
_LATER = (storage.StorageUnavailable, DecoderUnavailable)
_FOR_GOOD = (SetRefused, ZipRefused, storage.PictureMissing, storage.PictureDamaged)
DAMAGED = "The file that was sent cannot be read any more. Please send it again."


def make_slice(
    *, data_set_id: int, source: Path | None = None, seconds: float = SLICE_SECONDS
) -> bool:
    """One slice; whether there is more to do at once. ``source``: the folder or table on this
    machine that the set is imported from, instead of an archive in the store."""
    data_set = _taken(data_set_id)
    if data_set is None:
        return False
    try:
        return _work(data_set, source, time.monotonic() + seconds)
    except _FOR_GOOD as error:
        gone = isinstance(error, storage.PictureMissing | storage.PictureDamaged)
        refuse(data_set, DAMAGED if gone else str(error))
        return False
    except _LATER as error:
        log.warning("data set %s waits: %s", data_set.slug, error)
        return False
    except Error:  # the database's: the lease runs out, and the next beat goes on
        raise
    except Exception as error:
        log.exception("data set %s stopped", data_set.slug)
        refuse(data_set, f"Making it stopped with an unexpected error ({type(error).__name__}).")
        return False
    finally:
        _let_go(data_set)


def unfinished() -> list[int]:
    """Primary keys of the sets that a worker can go on with, and that none took up for a while."""
    before = database_now(plus_seconds=-QUIET_SECONDS)
    quiet = Q(touched_at__lt=before) | Q(touched_at__isnull=True, created_at__lt=before)
    free = DataSet.objects.filter(_free(), quiet, state__in=OPEN_STATES)
    return list(
        free.filter(Q(origin=Origin.SIGNED) | ~Q(archive=[]))
        .order_by("created_at")
        .values_list("pk", flat=True)
    )


def _free() -> Q:
    return Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lt=database_now())


def _taken(pk: int) -> DataSet | None:
    token = uuid4()
    taken = DataSet.objects.filter(_free(), pk=pk, state__in=OPEN_STATES).update(
        state=SetState.RUNNING,
        touched_at=database_now(),
        lease_token=token,
        lease_expires_at=database_now(plus_seconds=LEASE_SECONDS),
    )
    return DataSet.objects.get(pk=pk) if taken else None


def _let_go(data_set: DataSet) -> None:
    DataSet.objects.filter(pk=data_set.pk, lease_token=data_set.lease_token).update(
        lease_token=None, lease_expires_at=None
    )


def _work(data_set: DataSet, source: Path | None, until: float) -> bool:
    if not data_set.planned:
        _plan(data_set, source)
        return True
    if _fill(data_set, source, until):
        return True
    while data_set.compared < data_set.planned:
        last = compare_block(data_set) or data_set.planned
        _progress(data_set, compared=last)
        if time.monotonic() > until:
            return True
    finish(data_set)
    return False


def _plan(data_set: DataSet, source: Path | None) -> None:
    root, notes = ".", list[str]()
    if data_set.origin == Origin.SIGNED:
        items = plan_signed(data_set)
    else:
        items, root, notes = plan_imported(data_set, source or archives.unpacked(data_set))
    with transaction.atomic():
        row = DataSet.objects.select_for_update().get(pk=data_set.pk)
        if row.planned or row.lease_token != data_set.lease_token:
            return
        Item.objects.bulk_create(items, batch_size=500)
        row.planned = len(items)
        row.facts = {"root": root, "notes": notes}
        row.save(update_fields=["planned", "facts"])


def _fill(data_set: DataSet, source: Path | None, until: float) -> bool:
    """Whether items still wait."""
    waiting = Item.objects.filter(data_set=data_set, state=ItemState.WAITING)
    base = Path()
    if data_set.origin == Origin.IMPORTED and waiting.exists():
        root = source or archives.unpacked(data_set)
        base = (root.parent if root.is_file() else root) / data_set.facts["root"]
    for item in waiting.select_related("cell__image").order_by("number")[:AT_ONCE]:
        try:
            made = (
                pictures.from_cell(item.cell)
                if item.cell is not None
                else pictures.from_file(base, item.source_name)
            )
            pictures.keep(item, made)
        except pictures.LeftOut as reason:
            pictures.leave_out(item, str(reason))
        if time.monotonic() > until:
            break
    left = waiting.count()
    _progress(data_set, filled=data_set.planned - left)
    return bool(left)


def _progress(data_set: DataSet, **columns: int) -> None:
    for name, value in columns.items():
        setattr(data_set, name, value)
    DataSet.objects.filter(pk=data_set.pk, state=SetState.RUNNING).update(**columns)
