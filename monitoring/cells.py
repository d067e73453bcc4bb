"""Cells of a stream as arrays: what drift is measured on, packed into one field of a row."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from classifier.inference.classes import CLASSES
from classifier.inference.embedding import place_of


@dataclass(frozen=True)
class Cells:
    """N cells in the order in which they were read."""

    key: np.ndarray
    """(N,) int64, the prediction's primary key."""
    case: np.ndarray
    """(N,) int64, to tell how many cases they come from."""
    at: np.ndarray
    """(N,) float64, seconds since 1970: when each was read."""
    label: np.ndarray
    """(N,) int8, index into CLASSES, abstained or not."""
    abstained: np.ndarray
    """(N,) bool."""
    confidence: np.ndarray
    """(N,) float32."""
    score: np.ndarray
    """(N,) float32, in-distribution; NaN where the model gives none."""
    place: np.ndarray
    """(N, K) float16: where the model places each cell; K = 0 where it does not say, and NaN for a
    cell that has none."""

    def __len__(self) -> int:
        return len(self.key)

    @property
    def cases(self) -> int:
        return len(np.unique(self.case))

    def taken(self, rows: np.ndarray | slice) -> "Cells":
        return replace(self, **{item.name: getattr(self, item.name)[rows] for item in fields(self)})

    def pack(self) -> bytes:
        stream = io.BytesIO()
        np.savez_compressed(
            stream, **{item.name: getattr(self, item.name) for item in fields(self)}
        )
        return stream.getvalue()


def nothing() -> Cells:
    return from_rows([])


def unpack(data: bytes | memoryview) -> Cells:
    if not data:
        return nothing()
    with np.load(io.BytesIO(bytes(data)), allow_pickle=False) as stored:
        return Cells(**{item.name: stored[item.name] for item in fields(Cells)})


def from_rows(rows: Sequence[dict]) -> Cells:
    """From the values of predictions: pk, case, at, label, abstained, confidence, in_distribution,
    embedding."""
    places = [place_of(row["embedding"]) for row in rows]
    return Cells(
        key=np.array([row["pk"] for row in rows], np.int64),
        case=np.array([row["case"] for row in rows], np.int64),
        at=np.array([row["at"].timestamp() for row in rows], np.float64),
        label=np.array([CLASSES.index(row["label"]) for row in rows], np.int8),
        abstained=np.array([row["abstained"] for row in rows], bool),
        confidence=np.array([row["confidence"] for row in rows], np.float32),
        score=np.array(
            [np.nan if row["in_distribution"] is None else row["in_distribution"] for row in rows],
            np.float32,
        ),
        place=_beside(places),
    )


def joined(first: Cells, second: Cells) -> Cells:
    if not len(first) or not len(second):
        return second if not len(first) else first
    arrays = {
        item.name: np.concatenate([getattr(first, item.name), getattr(second, item.name)])
        for item in fields(Cells)
        if item.name != "place"
    }
    return Cells(**arrays, place=_beside([*first.place, *second.place]))


def _beside(places: Sequence[np.ndarray]) -> np.ndarray:
    """(N, K) of N vectors, K the longest; the shorter ones say nothing."""
    width = max((len(one) for one in places), default=0)
    found = np.full((len(places), width), np.nan, np.float16)
    for n, one in enumerate(places):
        if len(one) == width:
            found[n] = one
    return found
