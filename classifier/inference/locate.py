"""Finding white cells: in the crop of an analyser or a phone, and in whole fields of a smear.

The picture is reduced, measured as optical density against its own background, and read by a small
network (locator_net) that says for each place whether it is white cell, nucleus, or the inner half
of a cell, and how far the cell's edges are.
"""

import math
import statistics
from dataclasses import dataclass

import cv2
import numpy as np

from classifier.inference import locator_net
from classifier.inference.colour import background, frame, optical_density
from classifier.inference.locator_net import BLOCK, SIDE, STEP

LARGEST = 1024  # of a field with small cells
SMALL_CELL, GOOD_CELL = 24.0, 44.0  # pixels of the small copy: below the first, look nearer
PROPOSES = 0.4  # a block that is core with this probability proposes a box
SURE = 0.75  # and a cell needs one that is as sure as this
SAME = 0.4  # boxes that overlap by more are of one cell
INSIDE = 0.5  # probability from which on a place belongs to the cell, or to the nucleus
FILLED, NUCLEAR = 0.3, 0.01  # share of the box that a cell, and its nucleus, take up at least


@dataclass(frozen=True)
class Cell:
    """One white cell. Positions in pixels of the source picture, boxes within it."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom."""
    score: float
    """0-1, how sure the locator is."""
    mask: np.ndarray
    """(h, w) bool, the cell within its box, at the scale of the small copy."""
    nucleus: np.ndarray
    """(h, w) bool, its nucleus, likewise."""

    @property
    def centre(self) -> tuple[float, float]:
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    @property
    def diameter(self) -> float:
        """The longer side of the box: also right where the picture's rim cuts the cell."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)


@dataclass(frozen=True)
class Located:
    cells: tuple[Cell, ...]
    """Large and central ones first."""
    background: np.ndarray
    """(3,) float32 RGB of the empty slide."""
    outside: np.ndarray | None
    """(h, w) bool of the small copy: black padding and flat frames; None if there is none."""
    scale: float
    """Pixels of the small copy per pixel of the source."""


def locate(rgb: np.ndarray) -> Located:
    """The white cells of a (H, W, 3) uint8 RGB picture of any size; never raises on odd ones.

    Looks at a copy of 128 pixels first, and nearer where that shows only small cells, or none
    in a picture that has more to show.
    """
    longest = max(rgb.shape[:2])
    found = _look(rgb, min(SIDE, longest))
    for _ in range(2):
        side = longest * found.scale
        if found.cells:
            usual = statistics.median(cell.diameter for cell in found.cells) * found.scale
            if usual >= SMALL_CELL:
                break
            wanted = side * GOOD_CELL / usual
        else:
            wanted = side * 2
        wanted = round(min(wanted, longest, LARGEST))
        if wanted < 1.3 * side:
            break
        found = _look(rgb, wanted)
    return found


def _look(rgb: np.ndarray, side: int) -> Located:
    small = _reduced(rgb, side)
    size = small.shape[1], small.shape[0]
    ratio = np.array([rgb.shape[1] / size[0], rgb.shape[0] / size[1]] * 2)
    outside = frame(small)
    empty = background(small, outside)
    density = optical_density(small, empty)
    if outside is not None:
        density[outside] = 0
    density = cv2.copyMakeBorder(
        density, 0, -size[1] % STEP, 0, -size[0] % STEP, cv2.BORDER_CONSTANT, value=0
    )
    maps = locator_net.run(density)
    limits = np.array([size[0], size[1], size[0], size[1]], np.float32)
    boxes, scores = _boxes(maps, limits)
    areas = [_enlarged(each) for each in (maps.cell, maps.nucleus)] if len(boxes) else []
    cells = []
    for number, (box, score) in enumerate(zip(boxes, scores, strict=True)):
        mask, nucleus = _masks(areas, boxes, number)
        if mask.mean() >= FILLED and nucleus.mean() >= NUCLEAR:
            left, top, right, bottom = (float(value) for value in box * ratio)
            cells.append(Cell((left, top, right, bottom), float(score), mask, nucleus))
    middle = np.array([rgb.shape[1], rgb.shape[0]]) / 2
    half = float(np.hypot(*middle))

    def weight(cell: Cell) -> float:
        off = math.hypot(*(np.array(cell.centre) - middle)) / half
        return cell.diameter * (1 - off) ** 2

    return Located(
        tuple(sorted(cells, key=weight, reverse=True)), empty, outside, 1 / float(ratio.max())
    )


def _reduced(rgb: np.ndarray, side: int) -> np.ndarray:
    """The picture with a longest side of `side` pixels, if it was longer: halved by averaging,
    which is fast and free of aliasing, and the rest of the way (less than half) interpolated."""
    while max(rgb.shape[:2]) >= 2 * side and min(rgb.shape[:2]) > 1:
        height, width = rgb.shape[0] // 2, rgb.shape[1] // 2
        even = rgb[: 2 * height, : 2 * width]
        rgb = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return rgb
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)


def _boxes(maps: locator_net.Maps, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4) boxes within the small copy and (n,) scores: each block of a core proposes a box,
    and those that agree are averaged."""
    rows, columns = np.nonzero(maps.core > PROPOSES)
    scores = maps.core[rows, columns]
    middle = np.column_stack([columns, rows]).astype(np.float32) * BLOCK + BLOCK / 2
    reach = maps.reach[rows, columns]
    proposed = np.hstack([middle - reach[:, :2], middle + reach[:, 2:]])
    proposed = np.clip(proposed, 0, limits)
    boxes, sure = [], []
    left = np.argsort(-scores)
    while len(left):
        overlap = _overlap(proposed[left[0]], proposed[left])
        same = left[overlap > SAME]
        if scores[left[0]] < SURE:
            break
        share = scores[same, np.newaxis]
        boxes.append((proposed[same] * share).sum(0) / share.sum())
        sure.append(scores[left[0]])
        left = left[overlap <= SAME]
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(sure, np.float32)


def _overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of one box with each of the others."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.maximum(high - low, 0).prod(1)
    areas = (others[:, 2:] - others[:, :2]).prod(1)
    return common / np.maximum((box[2:] - box[:2]).prod() + areas - common, 1e-6)


def _enlarged(area: np.ndarray) -> np.ndarray:
    """(h, w) probabilities to (2h, 2w) bool: for each pixel of the small copy, whether it is
    inside."""
    size = 2 * area.shape[1], 2 * area.shape[0]
    return cv2.resize(area, size, interpolation=cv2.INTER_LINEAR) > INSIDE


def _masks(
    areas: list[np.ndarray], boxes: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cell and nucleus within a box; what two boxes share goes to the nearer cell."""
    height, width = areas[0].shape
    # An average of boxes may stick out of the copy by a rounding error.
    left, top = np.clip(np.floor(boxes[number, :2]), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(
        np.ceil(boxes[number, 2:]), (left + 1, top + 1), (width, height)
    ).astype(int)
    cell, nucleus = (area[top:bottom, left:right] for area in areas)
    if len(boxes) > 1:
        y, x = np.mgrid[top:bottom, left:right].astype(np.float32) + 0.5
        centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
        away = [
            np.hypot((x - cx) / max(rx, 1), (y - cy) / max(ry, 1))
            for (cx, cy), (rx, ry) in zip(centres, halves, strict=True)
        ]
        cell = cell & (away[number] <= np.min(away, axis=0))
    return cell, nucleus & cell
