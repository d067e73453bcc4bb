"""The end of a data set's making: READY with what is in it, FAILED, or REMOVED."""

import hashlib
from collections import Counter
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from audit.models import Outcome
from datasets import archives, pictures
from datasets.choices import OPEN_STATES, ItemState, Origin, SetState, Split
from datasets.consents import consents_now
from datasets.contents import manifest_text
from datasets.dealing import TOO_LIKE, deal, missing_classes
from datasets.errors import SetRefused
from datasets.models import DataSet, Item, Likeness, PatientSide

NOBODY_CONSENTS = "Its organisation took its consent back while the set was made."
STOPPED = "{actor} stopped it."
NOTHING_LEFT = "None of its pictures could be taken. The first: {first}"
_ENDED = ("archive", "state", "finished_at", "lease_token", "lease_expires_at")
_EMPTY: dict[str, Any] = {
    "picture_key": "",
    "thumbnail_key": "",
    "sha256": "",
    "thumbnail_sha256": "",
    "pixels_sha256": "",
    "bytes": 0,
    "thumb": None,
    "phash": None,
}


def finish(data_set: DataSet) -> None:
    """Deal the sides, forget where signed cells came from, and make the set READY. SetRefused where
    nothing is left of it."""
    unused: list[str] = []
    with transaction.atomic():
        if data_set.origin == Origin.SIGNED:  # one after the other: a patient gets one side
            _lock_signed()
        row = DataSet.objects.select_for_update().get(pk=data_set.pk)
        if row.lease_token != data_set.lease_token or row.state != SetState.RUNNING:
            return
        unused += _drop(_without_consent(row), NOBODY_CONSENTS)
        dealt = deal(row)
        unused += _drop(dealt.left_out, TOO_LIKE)
        for split in Split.values:
            keys = [pk for pk, side in dealt.splits.items() if side == split]
            for begin in range(0, len(keys), 500):
                Item.objects.filter(pk__in=keys[begin : begin + 500]).update(split=split)
        PatientSide.objects.bulk_create(
            [PatientSide(patient_id=pk, split=side) for pk, side in dealt.patients.items()],
            ignore_conflicts=True,
        )
        _require_some(row)
        Item.objects.filter(data_set=row, cell__isnull=False).update(cell=None)
        row.facts = {**row.facts, **facts_of(row)}
        row.listing_sha256 = hashlib.sha256(manifest_text(row).encode()).hexdigest()
        parts, row.archive = row.archive, []
        row.state, row.finished_at = SetState.READY, timezone.now()
        row.lease_token = row.lease_expires_at = None
        row.save(update_fields=["facts", "listing_sha256", *_ENDED])
        audit.record(
            action="data_set.made",
            obj=row,
            actor=row.created_by,
            origin=row.origin,
            pictures=row.facts["pictures"],
            listing_sha256=row.listing_sha256,
        )
    pictures.delete_files(unused)
    archives.forget(DataSet(public_id=row.public_id, archive=parts))


def refuse(data_set: DataSet, reason: str) -> None:
    """FAILED, with the reason; its files are taken away."""
    _end(data_set, SetState.FAILED, reason=reason, actor=data_set.created_by)


def data_set_remove(*, actor: User, data_set: DataSet) -> None:
    """Take its pictures away for good; what is known of the set stays. One that is still made is
    stopped. SetRefused where nothing is left to take away."""
    if data_set.state in OPEN_STATES:
        _end(data_set, SetState.FAILED, reason=STOPPED.format(actor=actor), actor=actor)
        return
    if data_set.state != SetState.READY:
        raise SetRefused("Its pictures were removed before. Nothing was changed.")
    _end(data_set, SetState.REMOVED, actor=actor)


def _end(data_set: DataSet, state: str, *, reason: str = "", actor: Any = None) -> None:
    with transaction.atomic():
        row = DataSet.objects.select_for_update().get(pk=data_set.pk)
        if row.state not in (OPEN_STATES if state == SetState.FAILED else (SetState.READY,)):
            return  # somebody was faster
        items = Item.objects.filter(data_set=row)
        keys = _keys(items.filter(state=ItemState.KEPT))
        items.delete()
        parts, row.archive = row.archive, []
        row.state, row.error = state, (reason or row.error)[:300]
        row.finished_at = row.finished_at or timezone.now()
        row.lease_token = row.lease_expires_at = None
        row.save(update_fields=["error", *_ENDED])
        audit.record(
            action=f"data_set.{state}",
            obj=row,
            actor=actor,
            outcome=Outcome.FAILED if state == SetState.FAILED else Outcome.DONE,
            pictures=len(keys) // 2,
        )
    pictures.delete_files(keys)
    archives.forget(DataSet(public_id=row.public_id, archive=parts))


def facts_of(data_set: DataSet) -> dict[str, Any]:
    """What is in it, in numbers: for its page, for good."""
    kept = Item.objects.filter(data_set=data_set, state=ItemState.KEPT)
    counts = Counter(
        {
            (kind, split): count
            for kind, split, count in kept.order_by()
            .values_list("kind", "split")
            .annotate(Count("pk"))
        }
    )
    size = kept.aggregate(
        bytes=Sum("bytes"),
        narrowest=Min("width"),
        widest=Max("width"),
        lowest=Min("height"),
        highest=Max("height"),
        groups=Count("source_group", distinct=True),
        sites=Count("organisation", distinct=True),
        first=Min("month"),
        last=Max("month"),
    )
    kinds = sorted({kind for kind, _ in counts})
    return {
        **size,
        "pictures": sum(counts.values()),
        "classes": {kind: {each: counts[kind, each] for each in Split.values} for kind in kinds},
        "left_out": Item.objects.filter(data_set=data_set, state=ItemState.LEFT_OUT).count(),
        "missing": missing_classes(counts),
    }


def _lock_signed() -> None:
    open_sets = DataSet.objects.filter(origin=Origin.SIGNED, state__in=OPEN_STATES)
    list(open_sets.select_for_update().order_by("pk").values_list("pk"))


def _without_consent(data_set: DataSet) -> list[int]:
    if data_set.origin != Origin.SIGNED:
        return []
    theirs = Item.objects.filter(data_set=data_set, state=ItemState.KEPT)
    return list(theirs.exclude(organisation__in=consents_now()).values_list("pk", flat=True))


def _drop(items: list[int], reason: str) -> list[str]:
    """Leave KEPT items out after all; the keys of their files, to be deleted after the commit."""
    keys: list[str] = []
    for begin in range(0, len(items), 500):
        rows = Item.objects.filter(pk__in=items[begin : begin + 500])
        keys += _keys(rows)
        for side in ("a", "b"):
            Likeness.objects.filter(**{f"{side}__in": items[begin : begin + 500]}).delete()
        rows.update(state=ItemState.LEFT_OUT, problem=reason, **_EMPTY)
    return keys


def _keys(items: Any) -> list[str]:
    return [key for row in items.values_list("picture_key", "thumbnail_key") for key in row if key]


def _require_some(data_set: DataSet) -> None:
    items = Item.objects.filter(data_set=data_set).order_by("number")
    if not items.filter(state=ItemState.KEPT).exists():
        first = items.first()
        raise SetRefused(NOTHING_LEFT.format(first=first.problem if first else ""))
