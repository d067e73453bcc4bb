"""Which pictures of a set are the same, or nearly, as others of it and of the sets before it."""

from collections import defaultdict
from typing import Any

import numpy as np
from django.db.models import Q

from datasets.choices import ItemState, SetState
from datasets.models import DataSet, Item, Likeness
from datasets.similar import ALIKE, THUMB, close, likenesses, turned_hashes

BLOCK = 100  # pictures compared in one go with all others
MOST = 20  # near relatives of one picture that are kept, the most alike first
LOOKUP = 500  # ids in one query: below SQLite's limit on parameters


def compare_block(data_set: DataSet) -> int:
    """Compare the next pictures; the number of the last one, 0 where none is left.

    Pictures with the same pixels are each paired with the first in each set alone. Safe to repeat.
    """
    rows = list(
        Item.objects.filter(
            data_set=data_set, state=ItemState.KEPT, number__gt=data_set.compared
        ).order_by("number")[:BLOCK]
    )
    if not rows:
        return 0
    others = _others(data_set, rows[-1].number)
    pairs = {**_near(rows, others), **_exact(rows, others)}
    Likeness.objects.bulk_create(
        [
            Likeness(a_id=a, b_id=b, value=min(1.0, value), exact=exact)
            for (a, b), (value, exact) in sorted(pairs.items())
        ],
        ignore_conflicts=True,
        batch_size=LOOKUP,
    )
    return rows[-1].number


def _others(data_set: DataSet, until: int) -> list[tuple[int, int, int, str]]:
    """(pk, set, hash, hash of the pixels) of what the block is held against, itself included."""
    kept = Item.objects.filter(
        Q(data_set=data_set, number__lte=until) | Q(data_set__state=SetState.READY),
        state=ItemState.KEPT,
    )
    facts: Any = kept.order_by("pk").values_list("pk", "data_set_id", "phash", "pixels_sha256")
    return list(facts)


_Pairs = dict[tuple[int, int], tuple[float, bool]]


def _exact(rows: list[Item], others: list[tuple[int, int, int, str]]) -> _Pairs:
    first: dict[str, dict[int, int]] = defaultdict(dict)
    for pk, where, _, pixels in others:
        first[pixels].setdefault(where, pk)
    return {
        _ordered(row.pk, other): (1.0, True)
        for row in rows
        for other in first[row.pixels_sha256].values()
        if other != row.pk
    }


def _near(rows: list[Item], others: list[tuple[int, int, int, str]]) -> _Pairs:
    """Not those with the same pixels."""
    thumbs = np.stack([_thumb(row.thumb) for row in rows])
    codes = np.array([code for _, _, code, _ in others], np.int64).view(np.uint64)
    found: dict[tuple[int, int], list[int]] = defaultdict(list)  # (row, other) -> positions
    for position, a, b in close(codes, turned_hashes(thumbs)):
        for place, row in zip(a.tolist(), b.tolist(), strict=True):
            pk, _, _, pixels = others[place]
            if pk != rows[row].pk and pixels != rows[row].pixels_sha256:
                found[row, pk].append(position)
    theirs = _thumbs({pk for _, pk in found})
    alike: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for (row, pk), positions in found.items():
        value = max(
            float(likenesses(theirs[pk][np.newaxis], thumbs[row : row + 1], position)[0])
            for position in positions
        )
        if value >= ALIKE:
            alike[row].append((value, pk))
    return {
        _ordered(rows[row].pk, pk): (value, False)
        for row, relatives in alike.items()
        for value, pk in sorted(relatives, reverse=True)[:MOST]
    }


def _thumbs(keys: set[int]) -> dict[int, np.ndarray]:
    wanted, found = sorted(keys), dict[int, np.ndarray]()
    for begin in range(0, len(wanted), LOOKUP):
        rows = Item.objects.filter(pk__in=wanted[begin : begin + LOOKUP])
        found |= {pk: _thumb(data) for pk, data in rows.values_list("pk", "thumb")}
    return found


def _thumb(data: Any) -> np.ndarray:
    return np.frombuffer(bytes(data), np.uint8).reshape(THUMB, THUMB, 3)


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
