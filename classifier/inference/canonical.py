"""The canonical crop: the white cell in the middle, always as large, on white.

Training and serving both see cells through `canonical_view`: one warp straight from the source
picture, so that no view has corners that another has not.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from classifier.inference.colour import whitened
from classifier.inference.locate import Located, locate

DIAMETERS = 1.4
MIDDLE_SHARE = 0.75  # of the shorter side, shown where no cell was found


class View(NamedTuple):
    pixels: np.ndarray
    """(size, size, 3) uint8 RGB, C-contiguous."""
    box: tuple[int, int, int, int]
    """x, y, width, height in the source of the upright square; it may stick out of the picture."""
    found: bool
    """Whether there was a cell to look at; if not, the middle of the picture is shown."""


def canonical_view(
    rgb: np.ndarray,
    located: Located | None = None,
    *,
    size: int,
    diameters: float = DIAMETERS,
    angle: float = 0.0,
    flip: bool = False,
    shift: tuple[float, float] = (0.0, 0.0),
    cell: int = 0,
) -> View:
    """A square of `diameters` cell diameters around a cell of `located` (default: locate(rgb)).

    `angle` turns the view (degrees), `flip` mirrors it, `shift` moves it over the slide (in cell
    diameters, x and y). `cell` chooses among located.cells. Beyond the picture, and where it is a
    frame, lies background; the background becomes white.
    """
    located = locate(rgb) if located is None else located
    x, y, diameter = focus(rgb, located, cell)
    x, y = x + shift[0] * diameter, y + shift[1] * diameter
    side = max(1.0, diameters * diameter)
    scale = size / side
    radians = math.radians(angle)
    turn = scale * np.array(
        [[math.cos(radians), math.sin(radians)], [-math.sin(radians), math.cos(radians)]]
    )
    if flip:
        turn[0] = -turn[0]
    empty = located.background
    colour = [float(value) for value in np.rint(empty)]
    source = _without_frame(rgb, located, colour)
    # A warp does not average: what is reduced by much is first shrunk to at most twice the size.
    shrink = max(1, int(side / size / 1.5 + 0.5))
    middle = np.array([x, y])
    if shrink > 1:
        source, corner = _shrunk(source, middle, side, shrink)
        middle = (middle - corner) / shrink
        turn = turn * shrink
    # Pixel centres are at +0.5: the middle of the view is (size - 1) / 2 in the warp's counting.
    offset = (size - 1) / 2 - turn @ (middle - 0.5)
    view = cv2.warpAffine(
        source,
        np.column_stack([turn, offset]),
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=colour,
    )
    whole = round(side)
    box = (math.floor(x - whole / 2 + 0.5), math.floor(y - whole / 2 + 0.5), whole, whole)
    return View(whitened(view, empty), box, bool(located.cells))


def focus(rgb: np.ndarray, located: Located, cell: int = 0) -> tuple[float, float, float]:
    """x and y of the middle and the diameter of what is looked at, in pixels of the source.

    Without a cell, the middle that the centre crop shows (classifier.inference.preprocess).
    """
    if located.cells:
        chosen = located.cells[cell]
        return *chosen.centre, chosen.diameter
    height, width = rgb.shape[:2]
    side = max(1, round(MIDDLE_SHARE * min(height, width)))
    return (width - side) // 2 + side / 2, (height - side) // 2 + side / 2, side / DIAMETERS


def _without_frame(rgb: np.ndarray, located: Located, colour: list[float]) -> np.ndarray:
    if located.outside is None:
        return rgb
    height, width = rgb.shape[:2]
    mask = cv2.resize(
        located.outside.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
    )
    filled = rgb.copy()
    filled[mask > 0] = colour
    return filled


def _shrunk(
    source: np.ndarray, middle: np.ndarray, side: float, shrink: int
) -> tuple[np.ndarray, np.ndarray]:
    """The part of the picture that a view may show, `shrink` times smaller, and its corner."""
    height, width = source.shape[:2]
    reach = side * 0.75  # a turned square reaches 0.71 of its side
    x0, y0 = (max(0, int(value)) for value in middle - reach)
    x1, y1 = min(width, int(middle[0] + reach) + 1), min(height, int(middle[1] + reach) + 1)
    part = source[min(y0, height - 1) : max(y1, 1), min(x0, width - 1) : max(x1, 1)]
    down = (max(1, part.shape[1] // shrink), max(1, part.shape[0] // shrink))
    part = part[: down[1] * shrink, : down[0] * shrink]
    small = cv2.resize(part, down, interpolation=cv2.INTER_AREA)
    return small, np.array([min(x0, width - 1), min(y0, height - 1)], float)
