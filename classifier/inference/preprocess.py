"""From picture bytes to the crop that the network sees; training and serving both use this module.

A preprocessing id names the whole way from pixels to crop, is written into each model's manifest,
and never changes its meaning: a better way gets a new id and a new function in `CROPPERS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from classifier.inference.canonical import canonical_view
from classifier.inference.errors import UnreadableImageError
from classifier.inference.own_png import open_own

CENTRE = "centre-three-quarters-v1"
CELL = "cell-1.4-white-v1"
CENTRE_SHARE = 0.75


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the source picture; (x, y) is its top left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Crop:
    """What the network is given, and where in the source picture it was taken from."""

    pixels: np.ndarray
    """(size, size, 3) uint8 RGB, C-contiguous."""
    box: Box
    """A crop around a cell near the rim may stick out of the picture."""
    found: bool = True
    """False where a white cell was looked for and none was found: the middle is shown."""


def decode(data: bytes) -> np.ndarray:
    """Encoded picture to (height, width, 3) uint8 RGB; UnreadableImageError if it is none."""
    own = open_own(data)
    if own is not None:
        return own
    try:
        rgb = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise UnreadableImageError("The picture cannot be decoded.") from error
    if rgb is None:
        raise UnreadableImageError("The picture cannot be decoded.")
    return rgb


def centre(rgb: np.ndarray, size: int) -> Crop:
    """The middle three quarters of the largest centred square, resized to `size` pixels a side.

    Analysers put the cell in the middle; what is left out is red cells and background. On the
    training split this was worth 0.3 points of cross-validated accuracy (docs/model.md).
    """
    height, width = rgb.shape[:2]
    side = max(1, round(CENTRE_SHARE * min(height, width)))
    box = Box((width - side) // 2, (height - side) // 2, side, side)
    square = rgb[box.y : box.y + side, box.x : box.x + side]
    # Strong reduction must average or it aliases; mild reduction need not, and linear is 5x cheaper
    if side > 1.5 * size:
        how = cv2.INTER_AREA
    elif side > size:
        how = cv2.INTER_LINEAR
    else:
        how = cv2.INTER_CUBIC
    pixels = square if side == size else cv2.resize(square, (size, size), interpolation=how)
    return Crop(np.ascontiguousarray(pixels), box)


def cell(rgb: np.ndarray, size: int) -> Crop:
    """The white cell, located; 1.4 of its diameters, on white (classifier.inference.canonical)."""
    view = canonical_view(rgb, size=size)
    return Crop(view.pixels, Box(*view.box), view.found)


CROPPERS: dict[str, Callable[[np.ndarray, int], Crop]] = {CENTRE: centre, CELL: cell}


def crop(rgb: np.ndarray, *, size: int, preprocessing: str) -> Crop:
    """Apply the named preprocessing to a (height, width, 3) uint8 RGB picture."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise UnreadableImageError("The picture is not 8-bit RGB.")
    return CROPPERS[preprocessing](rgb, size)
