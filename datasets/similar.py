"""The same picture twice, or nearly: turned, mirrored, recoded, resized, or taken again.

Perceptual hashes (64 signs of the picture's lowest cosine waves, after Zauner 2010, pHash) at most
HASH_BITS apart in one of the eight positions of a square, and then a correlation of the pictures
from afar of at least ALIKE in that position. A cut-out of a larger picture is not found.

Both limits come from the shared sets (docs/model.md): of 25 million pairs, those of the same cell
reach .917 and more, those of different cells .898 at most. No Django here.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

THUMB = 32
"""Pixels a side of the picture from afar, whatever the shape of the picture."""
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


def pixels_sha256(rgb: np.ndarray) -> str:
    """Of the decoded picture: the same for the same picture in another file format."""
    return hashlib.sha256(f"{rgb.shape}".encode() + rgb.tobytes()).hexdigest()


def thumb_of(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) to (THUMB, THUMB, 3) uint8 RGB."""
    return cv2.resize(rgb, (THUMB, THUMB), interpolation=cv2.INTER_AREA)


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


def turned_hashes(thumbs: np.ndarray) -> list[np.ndarray]:
    """The hashes of (N, THUMB, THUMB, 3) in each of the eight positions."""
    return [hashes(turn(thumbs, position)) for position in range(POSITIONS)]


def close(
    codes: np.ndarray, turned: Sequence[np.ndarray]
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(position, rows of `codes`, rows of the turned ones) whose hashes are near each other."""
    for begin in range(0, len(codes), BLOCK):
        block = codes[begin : begin + BLOCK, np.newaxis]
        for position, their in enumerate(turned):
            a, b = np.nonzero(np.bitwise_count(block ^ their[np.newaxis]) <= HASH_BITS)
            if len(a):
                yield position, a + begin, b


def likenesses(ours: np.ndarray, theirs: np.ndarray, position: int) -> np.ndarray:
    """(N,), the correlation of each of `ours` with the one of `theirs` in that position."""
    found = [
        np.einsum("nd,nd->n", _unit(ours[place]), _unit(turn(theirs[place], position)))
        for begin in range(0, len(ours), BLOCK)
        for place in [slice(begin, begin + BLOCK)]
    ]
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def _unit(thumbs: np.ndarray) -> np.ndarray:
    """(N, D) without mean, of length 1; zeros for a picture of one colour, which is like no other."""
    rows = thumbs.reshape(len(thumbs), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1)
