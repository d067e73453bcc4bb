"""Boxes of white cells: those that people drew, and how well found ones agree with them."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RIGHT = 0.5  # least overlap (IoU) of a found box with a true one
ERRATA = Path(__file__).with_name("errata.csv")
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True)
class Picture:
    path: Path
    name: str
    source: str
    """The laboratory: raabin, pbc or bccd_fields."""
    split: str
    size: tuple[int, int]
    """Width and height, (0, 0) where the manifest does not say."""
    boxes: tuple[Box, ...]
    """Of white cells."""
    others: tuple[Box, ...]
    """Of red cells."""
    platelets: tuple[Box, ...]
    unmarked: tuple[Box, ...] = ()
    """White cells that the set has no box for: finding one is neither right nor wrong."""


def read_boxes(folder: Path, name: str, *, corrected: bool = False) -> list[Picture]:
    """The pictures of txl_pbc or bccd_fields, in manifest order.

    `corrected` applies errata.csv: what was seen by eye to be wrong in the sets. Boxes around no
    white cell, and boxes that are there twice, are left out; cells without a box are `unmarked`.
    """
    kinds: dict[str, dict[str, list[Box]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(folder / name / "boxes.csv"):
        kind = row.get("type") or row["label"]
        kinds[row["path"]][kind[:8]].append(_box(row))
    missing: dict[str, list[Box]] = defaultdict(list)
    for row in _rows(ERRATA) if corrected else []:
        if row["error"] == "missing":
            missing[row["path"]].append(_box(row))
        elif row["path"] in kinds:
            kinds[row["path"]]["WBC"].remove(_box(row))
    return [
        Picture(
            path=folder / row["path"],
            name=row["path"],
            source=row.get("source", name),
            split=row["split"],
            size=(int(row.get("width", 0)), int(row.get("height", 0))),
            boxes=tuple(kinds[row["path"]]["WBC"]),
            others=tuple(kinds[row["path"]]["RBC"]),
            platelets=tuple(kinds[row["path"]]["Platelet"]),
            unmarked=tuple(missing[row["path"]]),
        )
        for row in _rows(folder / name / "manifest.csv")
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _box(row: dict[str, str]) -> Box:
    left, top, right, bottom = (float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
    return left, top, right, bottom


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (areas - width * height)


def match(true: Sequence[Box], found: Sequence[Box]) -> list[tuple[float, int, int]]:
    """(IoU, index of true, index of found) of overlapping pairs, best first, each box once."""
    pairs = sorted(
        ((iou(t, f), i, j) for i, t in enumerate(true) for j, f in enumerate(found)), reverse=True
    )
    matched: list[tuple[float, int, int]] = []
    for value, i, j in pairs:
        free = all(i != other and j != another for _, other, another in matched)
        if value > 0 and free:
            matched.append((value, i, j))
    return matched


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

    def add(self, true: Sequence[Box], found: Sequence[Box], unmarked: Sequence[Box] = ()) -> bool:
        """Count one picture; whether nothing was missed and nothing invented."""
        pairs = [pair for pair in match(true, found) if pair[0] >= RIGHT]
        taken = {j for _, _, j in pairs}
        counted = [
            box
            for j, box in enumerate(found)
            if j in taken or all(iou(box, other) < RIGHT for other in unmarked)
        ]
        self.pictures += 1
        self.true += len(true)
        self.found += len(counted)
        self.right += len(pairs)
        self.overlaps += sum(value for value, _, _ in pairs)
        return len(pairs) == len(true) == len(counted)
