"""The pictures: where they are, which split they belong to, and proof that they are unchanged.

The data folder is given by --data or TELEHEME_DATA; prepare_dataset fills it (ml.datasets). It holds

    pbc/manifest.csv          path, class, source_group, split, sha256, attributes
    pbc_other/manifest.csv    cells of no class of ours (near out-of-distribution)
    bccd_fields/manifest.csv  fields of view of another laboratory, boxes in boxes.csv

Unless the options name other sets, only pbc/train trains and pbc/val and pbc_other/val choose; the
rest is for the last word. A set of the product's own is written out in the same layout.
"""

import csv
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from classifier.inference.classes import CLASSES
from classifier.inference.preprocess import decode

VARIABLE = "TELEHEME_DATA"
MARGIN = 1.4  # side of a crop around a located cell, in cell diameters


class DataError(Exception):
    """The data folder is not what it should be; the message says what to do."""


@dataclass(frozen=True)
class Sample:
    path: Path
    name: str
    """Path as in the manifest, relative to the data folder."""
    label: int
    """Index into CLASSES; -1 for a cell of no class of ours."""
    kind: str
    """The class as the manifest names it."""
    split: str
    sha256: str
    box: tuple[int, int, int, int] | None = None
    """xmin, ymin, xmax, ymax of the cell, where only that part is meant."""

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self.path.parents[self.name.count("/")]

    def bytes(self) -> bytes:
        data = self.path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise DataError(f"{self.name} is not the file its manifest names (SHA-256 differs).")
        return data

    def rgb(self) -> np.ndarray:
        """(height, width, 3) uint8; cut around the box if there is one."""
        picture = decode(self.bytes())
        return picture if self.box is None else cut(picture, self.box)


def data_folder(given: str | Path | None = None) -> Path:
    folder = given or os.environ.get(VARIABLE)
    if not folder:
        raise DataError(f"Say where the pictures are: --data FOLDER, or set {VARIABLE}.")
    if not (Path(folder) / "pbc" / "manifest.csv").is_file():
        raise DataError(f"{folder} has no pbc/manifest.csv; prepare_dataset pbc makes it.")
    return Path(folder)


def read_set(folder: Path, name: str, *splits: str, limit: int = 0) -> list[Sample]:
    """The samples of a set's splits (all if none is named), in manifest order.

    Rows with no class, or with several cells of several classes, are left out.
    """
    samples = []
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for row in _rows(folder / name / "manifest.csv"):
        kind, split = row["class"], row["split"]
        if (splits and split not in splits) or not kind or "," in kind:
            continue
        taken[kind, split] += 1
        if limit and taken[kind, split] > limit:
            continue
        label = CLASSES.index(kind) if kind in CLASSES else -1
        path = folder / row["path"]
        samples.append(Sample(path, row["path"], label, kind, split, row["sha256"]))
    return samples


def read_known(folder: Path, names: Sequence[str], split: str, *, limit: int = 0) -> list[Sample]:
    """The samples of one split of several sets that show a cell of one of our classes."""
    found = [
        sample
        for name in names
        for sample in read_set(folder, name, split, limit=limit)
        if sample.label >= 0
    ]
    if not found:
        raise DataError(f"There is no cell of a known class in {named(names, split)}.")
    return found


def named(names: Sequence[str], split: str) -> str:
    """What a split of several sets is called: pbc/train, or ours/train+theirs/train."""
    return "+".join(f"{name}/{split}" for name in names)


def read_single_cells(folder: Path, name: str = "bccd_fields") -> list[Sample]:
    """The external set, cut around each field's one white cell; fields without a box left out."""
    boxes = defaultdict(list)
    for row in _rows(folder / name / "boxes.csv"):
        if row["type"] == "WBC":
            corners = (row["xmin"], row["ymin"], row["xmax"], row["ymax"])
            boxes[row["path"]].append(tuple(int(corner) for corner in corners))
    return [
        Sample(s.path, s.name, s.label, s.kind, s.split, s.sha256, boxes[s.name][0])
        for s in read_set(folder, name)
        if len(boxes[s.name]) == 1
    ]


def read_unlabelled(folder: Path, name: str, *splits: str) -> list[Sample]:
    """The cells of a set, or of one source of it (SET:SOURCE), whatever they are; of all splits but
    test, if none is named."""
    name, _, source = name.partition(":")
    rows = [
        row
        for row in _rows(folder / name / "manifest.csv")
        if (row["split"] in splits if splits else row["split"] != "test")
        and source in ("", row.get("source", ""))
    ]
    if not rows:
        raise DataError(
            f"{folder / name} has no pictures of {source or 'any source'} to learn from."
        )
    return [
        Sample(folder / row["path"], row["path"], -1, "", row["split"], row["sha256"])
        for row in rows
    ]


def cut(picture: np.ndarray, box: tuple[int, int, int, int], margin: float = MARGIN) -> np.ndarray:
    """A square of `margin` cell diameters around a box; beyond the rim the picture is mirrored."""
    left, top, right, bottom = box
    side = max(8, round(margin * max(right - left, bottom - top)))
    x, y = (left + right - side) // 2, (top + bottom - side) // 2
    padded = cv2.copyMakeBorder(picture, side, side, side, side, cv2.BORDER_REFLECT_101)
    return np.ascontiguousarray(padded[y + side : y + 2 * side, x + side : x + 2 * side])


def fingerprint(samples: Iterable[Sample]) -> str:
    """One SHA-256 over names, labels and contents: the identity of a training set."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(f"{sample.name} {sample.label} {sample.sha256}\n".encode())
    return digest.hexdigest()


def labels(samples: Sequence[Sample]) -> np.ndarray:
    """(N,) int64."""
    return np.array([sample.label for sample in samples], np.int64)


def write_split(path: Path, samples: Iterable[Sample]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["path", "class", "split", "sha256"])
        writer.writerows([s.name, s.kind, s.split, s.sha256] for s in samples)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="") as stream:
            return list(csv.DictReader(stream))
    except FileNotFoundError:
        raise DataError(f"{path} is missing; docs/model.md describes the data folder.") from None
