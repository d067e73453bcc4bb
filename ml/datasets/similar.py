"""Pairs of pictures that are the same or nearly so (datasets.similar), in and between scanned sets.

Exact: the same pixels. Near: alike from afar in one of the eight positions of a square.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from datasets.similar import ALIKE, BLOCK, Pair, close, hashes, likenesses, turned_hashes
from ml.datasets.scan import Look


def within(looks: Sequence[Look]) -> list[Pair]:
    """Pairs a < b. Of pictures with the same pixels, each is paired with the first alone."""
    first: dict[str, int] = {}
    exact = [
        Pair(first[look.pixels], place, 1.0, exact=True)
        for place, look in enumerate(looks)
        if first.setdefault(look.pixels, place) != place
    ]
    singles = sorted(first.values())
    near = _near([looks[place] for place in singles], None)
    return exact + [Pair(singles[a], singles[b], c) for a, b, c in near]


def between(looks: Sequence[Look], others: Sequence[Look]) -> list[Pair]:
    """Pairs of a row of `looks` and a row of `others`."""
    same = defaultdict(list)
    for place, look in enumerate(others):
        same[look.pixels].append(place)
    pairs = [Pair(a, b, 1.0, exact=True) for a, look in enumerate(looks) for b in same[look.pixels]]
    near = _near(looks, others)
    return pairs + [Pair(a, b, c) for a, b, c in near if looks[a].pixels != others[b].pixels]


def _near(looks: Sequence[Look], others: Sequence[Look] | None) -> list[tuple[int, int, float]]:
    """Pairs (a, b, likeness) of `looks` with `others`, or, if None, with themselves, a < b."""
    if not looks or (others is not None and not others):
        return []
    ours = _thumbs(looks)
    theirs = ours if others is None else _thumbs(others)
    codes, turned = hashes(ours), turned_hashes(theirs)
    best: dict[tuple[int, int], float] = {}
    with tqdm(total=len(ours), desc="compared", unit="picture", disable=None) as bar:
        for begin in range(0, len(ours), BLOCK):
            block = codes[begin : begin + BLOCK]
            skip = begin if others is None else 0  # the half that was compared already
            for position, a, b in close(block, [their[skip:] for their in turned]):
                a, b = a + begin, b + skip
                if others is None:
                    a, b = a[a < b], b[a < b]
                found = likenesses(ours[a], theirs[b], position)
                for place in np.flatnonzero(found >= ALIKE):
                    key = (int(a[place]), int(b[place]))
                    best[key] = max(float(found[place]), best.get(key, 0))
            bar.update(len(block))
    return [(a, b, likeness) for (a, b), likeness in sorted(best.items())]


def _thumbs(looks: Sequence[Look]) -> np.ndarray:
    return np.stack([look.thumb for look in looks])
