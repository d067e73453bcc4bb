"""How well the locator finds white cells: python -m ml.locating --data FOLDER.

Boxes of people are the truth: txl_pbc (crops of two laboratories) and bccd_fields (whole fields of
a third). A found box is right when it overlaps a true one, its own, by at least half (IoU).
"""

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from classifier.inference.locate import Located, locate
from classifier.inference.preprocess import decode
from ml.data import data_folder

RIGHT = 0.5
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Picture:
    """A picture with the boxes (left, top, right, bottom) of its white cells."""

    path: Path
    name: str
    source: str
    split: str
    boxes: tuple[Box, ...]


@dataclass
class Score:
    """Counts over many pictures."""

    pictures: int = 0
    true: int = 0
    found: int = 0
    right: int = 0
    overlaps: float = 0.0
    seconds: float = 0.0
    pixels: int = 0

    @property
    def recall(self) -> float:
        return self.right / max(1, self.true)

    @property
    def precision(self) -> float:
        return self.right / max(1, self.found)

    @property
    def mean_iou(self) -> float:
        """Of the cells found rightly."""
        return self.overlaps / max(1, self.right)

    def add(self, true: Sequence[Box], found: Sequence[Box]) -> bool:
        """Count one picture; whether nothing was missed and nothing invented."""
        matched = [value for value in match(true, found) if value >= RIGHT]
        self.pictures += 1
        self.true += len(true)
        self.found += len(found)
        self.right += len(matched)
        self.overlaps += sum(matched)
        return len(matched) == len(true) == len(found)

    def row(self, name: str) -> str:
        return (
            f"{name:32} {self.pictures:5d} {self.true:6d}   {self.recall:.3f}      "
            f"{self.precision:.3f}     {self.mean_iou:.3f}   "
            f"{self.seconds / max(1, self.pictures) * 1e3:6.1f}   "
            f"{self.seconds * 1e9 / max(1, self.pixels):6.1f}"
        )


HEADER = "set                              pictures cells  recall  precision  mean IoU  ms/picture  ms/Mpx"


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (areas - width * height)


def match(true: Sequence[Box], found: Sequence[Box]) -> list[float]:
    """IoU of pairs, best first, each box in one pair at most."""
    pairs = sorted(
        ((iou(t, f), i, j) for i, t in enumerate(true) for j, f in enumerate(found)), reverse=True
    )
    matched: list[float] = []
    used: set[tuple[str, int]] = set()
    for value, i, j in pairs:
        if value > 0 and used.isdisjoint({("true", i), ("found", j)}):
            used |= {("true", i), ("found", j)}
            matched.append(value)
    return matched


def read_boxes(folder: Path, name: str) -> list[Picture]:
    """The pictures of txl_pbc or bccd_fields, in manifest order."""
    boxes: dict[str, list[Box]] = defaultdict(list)
    for row in _rows(folder / name / "boxes.csv"):
        if "WBC" in (row.get("type"), row.get("label")):
            left, top, right, bottom = (float(row[k]) for k in ("xmin", "ymin", "xmax", "ymax"))
            boxes[row["path"]].append((left, top, right, bottom))
    return [
        Picture(
            folder / row["path"],
            row["path"],
            row.get("source", name),
            row["split"],
            tuple(boxes[row["path"]]),
        )
        for row in _rows(folder / name / "manifest.csv")
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def measure(
    pictures: Iterable[Picture], find: Callable[[np.ndarray], Located] = locate
) -> tuple[Score, list[str]]:
    """The score, and the names of the pictures where a cell was missed or invented."""
    score, wrong = Score(), []
    for picture in pictures:
        rgb = decode(picture.path.read_bytes())
        begin = time.perf_counter()
        located = find(rgb)
        score.seconds += time.perf_counter() - begin
        score.pixels += rgb.shape[0] * rgb.shape[1]
        if not score.add(picture.boxes, [cell.box for cell in located.cells]):
            wrong.append(picture.name)
    return score, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder with txl_pbc/ and bccd_fields/; or TELEHEME_DATA")
    parser.add_argument("--wrong", action="store_true", help="name the pictures with an error")
    options = parser.parse_args()
    folder = data_folder(options.data)
    cv2.setNumThreads(1)
    print(HEADER)
    for name in ("bccd_fields", "txl_pbc"):
        pictures = read_boxes(folder, name)
        sources = sorted({picture.source for picture in pictures})
        groups = [
            (f"{name} {split}", [p for p in pictures if p.split == split])
            for split in ("train", "val", "test")
        ]
        if len(sources) > 1:
            groups += [
                (
                    f"{name} {split} {source}",
                    [p for p in pictures if (p.split, p.source) == (split, source)],
                )
                for split in ("val", "test")
                for source in sources
            ]
        groups.append((f"{name} all", pictures))
        for title, group in groups:
            score, wrong = measure(group)
            print(score.row(title), flush=True)
            if options.wrong:
                print("   " + "\n   ".join(wrong))


if __name__ == "__main__":
    main()
