"""What a model said of every cell of the locked sets: predictions.csv, beside its metrics.

Written once, by the evaluation. Curves are drawn from it, and two models are compared by it, cell
by cell, without either being run again.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifier.inference.classes import CLASSES
from classifier.inference.errors import ModelError

FILE_NAME = "predictions.csv"
COLUMNS = ("set", "picture", "sha256", "class", *CLASSES, "abstained")
PREFIX = 16  # hexadecimal digits of a picture's SHA-256 that are kept
LIMIT = 20_000_000  # bytes
MOST = 200_000  # rows


@dataclass(frozen=True)
class Locked:
    """One set of N cells, in the order of its manifest."""

    pictures: tuple[tuple[str, str], ...]
    """(name, first digits of its SHA-256) of each."""
    kinds: tuple[str, ...]
    """What each is, also where that is none of the classes."""
    probabilities: np.ndarray
    """(N, 5) float64."""
    abstained: np.ndarray
    """(N,) bool."""

    @property
    def truth(self) -> np.ndarray:
        """(N,) index into CLASSES; -1 for a cell of none of them."""
        return np.array([CLASSES.index(k) if k in CLASSES else -1 for k in self.kinds], np.int64)

    @property
    def predicted(self) -> np.ndarray:
        """(N,)."""
        return self.probabilities.argmax(axis=1)


def write_locked(path: Path, sets: Mapping[str, Locked]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, locked in sets.items():
            for picture, kind, row, abstained in zip(
                locked.pictures, locked.kinds, locked.probabilities, locked.abstained, strict=True
            ):
                values = [f"{value:.5f}" for value in row]
                writer.writerow([name, *picture, kind, *values, int(abstained)])


def read_locked(path: Path) -> dict[str, Locked]:
    """Set -> what was said; ModelError, in one sentence, if the file is not one of these."""
    try:
        if path.stat().st_size > LIMIT:
            raise ModelError(f"{path.name} is larger than {LIMIT // 10**6} MB.")
        with path.open(newline="", encoding="utf-8") as stream:
            return _parsed(stream, path.name)
    except (OSError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path.name} cannot be read.") from error


def parse_locked(text: str, name: str) -> dict[str, Locked]:
    """The same, of what such a file holds; `name` is how it is called in the sentence."""
    return _parsed(io.StringIO(text, newline=""), name)


def _parsed(stream: Iterable[str], name: str) -> dict[str, Locked]:
    try:
        reader = csv.reader(stream)
        if tuple(next(reader, ())) != COLUMNS:
            raise ModelError(f"{name} does not have the columns {', '.join(COLUMNS)}.")
        return _sets(name, reader)
    except (ValueError, csv.Error) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{name} cannot be read.") from error


def _sets(file: str, rows: Iterable[Sequence[str]]) -> dict[str, Locked]:
    found: dict[str, list[Sequence[str]]] = {}
    for number, row in enumerate(rows):
        if len(row) != len(COLUMNS) or number >= MOST:
            raise ModelError(f"{file}: line {number + 2} is not a line of it.")
        found.setdefault(row[0], []).append(row)
    sets = {}
    for name, lines in found.items():
        probabilities = np.array([line[4:-1] for line in lines], float)
        if not (np.abs(probabilities.sum(axis=1) - 1) < 1e-3).all():
            raise ModelError(f"{file}: the probabilities of {name} do not add up to one.")
        if not ((probabilities >= 0) & (probabilities <= 1)).all():
            raise ModelError(f"{file}: a probability of {name} is not between 0 and 1.")
        sets[name] = Locked(
            pictures=tuple((line[1], line[2]) for line in lines),
            kinds=tuple(line[3] for line in lines),
            probabilities=probabilities,
            abstained=np.array([line[-1] == "1" for line in lines]),
        )
    return sets
