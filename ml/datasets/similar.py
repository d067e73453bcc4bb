"""The same picture twice, or nearly: turned, mirrored, recoded, resized, or taken again.

Exact: the same pixels. Near: perceptual hashes (64 signs of the picture's lowest cosine waves,
after Zauner 2010, pHash) at most HASH_BITS apart in one of the eight positions of a square, and
then a correlation of the pictures from afar of at least ALIKE in that position. A cut-out of a
larger picture is not found.

Both limits come from the shared sets (docs/model.md): of 25 million pairs, those of the same cell
reach .917 and more, those of different cells .898 at most.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from ml.datasets.scan import THUMB, Look

HASH_BITS = 14
ALIKE = 0.91
BLOCK = 512
POSITIONS = 8
WAVES = 8

_steps = np.arange(THUMB)
_COSINES = np.cos(np.pi / THUMB * (_steps + 0.5) * _steps[:WAVES, np.newaxis]).astype(np.float32)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Pair:
    """Row `a` of the first pictures and row `b` of the second are alike."""

    a: int
    b: int
    likeness: float
    """1 and `exact` for the same pixels, else their correlation from afar."""
    exact: bool = False


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


def clusters(count: int, links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Union-find: rows 0 to count - 1 that hang together, each row in one list, in order."""
    parent = list(range(count))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for a, b in links:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    found = defaultdict(list)
    for row in range(count):
        found[root(row)].append(row)
    return list(found.values())


def hashes(thumbs: np.ndarray) -> np.ndarray:
    """(N, THUMB, THUMB, 3) uint8 to (N,) uint64."""
    waves = (_COSINES @ (thumbs @ _LUMA) @ _COSINES.T).reshape(len(thumbs), WAVES * WAVES)
    signs = waves > np.median(waves[:, 1:], axis=1, keepdims=True)
    signs[:, 0] = False  # brightness says nothing
    return np.packbits(signs, axis=1).view(np.uint64)[:, 0]


def turn(thumbs: np.ndarray, position: int) -> np.ndarray:
    """(N, THUMB, THUMB, 3) in one of the eight positions of a square: turned, and mirrored from 4."""
    turned = np.rot90(thumbs, position % 4, axes=(1, 2))
    return turned if position < 4 else turned[:, :, ::-1]


def _near(looks: Sequence[Look], others: Sequence[Look] | None) -> list[tuple[int, int, float]]:
    """Pairs (a, b, likeness) of `looks` with `others`, or, if None, with themselves, a < b."""
    if not looks or (others is not None and not others):
        return []
    ours = _thumbs(looks)
    theirs = ours if others is None else _thumbs(others)
    codes = hashes(ours)
    turned = [hashes(turn(theirs, position)) for position in range(POSITIONS)]
    best: dict[tuple[int, int], float] = {}
    with tqdm(total=len(ours), desc="compared", unit="picture", disable=None) as bar:
        for begin in range(0, len(ours), BLOCK):
            block = codes[begin : begin + BLOCK, np.newaxis]
            skip = begin if others is None else 0  # the half that was compared already
            for position, their in enumerate(turned):
                apart = np.bitwise_count(block ^ their[np.newaxis, skip:])
                a, b = np.nonzero(apart <= HASH_BITS)
                a, b = a + begin, b + skip
                if others is None:
                    a, b = a[a < b], b[a < b]
                for x, y, likeness in _confirm(ours, theirs, position, a, b):
                    best[x, y] = max(likeness, best.get((x, y), 0))
            bar.update(len(block))
    return [(a, b, likeness) for (a, b), likeness in sorted(best.items())]


def _confirm(
    ours: np.ndarray, theirs: np.ndarray, position: int, a: np.ndarray, b: np.ndarray
) -> Iterator[tuple[int, int, float]]:
    for begin in range(0, len(a), BLOCK):
        rows, columns = a[begin : begin + BLOCK], b[begin : begin + BLOCK]
        turned = turn(theirs[columns], position)
        likeness = np.einsum("nd,nd->n", _unit(ours[rows]), _unit(turned))
        for place in np.flatnonzero(likeness >= ALIKE):
            yield int(rows[place]), int(columns[place]), float(likeness[place])


def _thumbs(looks: Sequence[Look]) -> np.ndarray:
    return np.stack([look.thumb for look in looks])


def _unit(thumbs: np.ndarray) -> np.ndarray:
    """(N, D) without mean, of length 1; zeros for a picture of one colour, which is like no other."""
    rows = thumbs.reshape(len(thumbs), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1)
