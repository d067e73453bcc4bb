"""Whole pictures with known truth: one white cell, or a field of a smear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.phantoms.camera import expose
from ml.phantoms.cells import CellPatch, draw_white_cell, radius_pixels
from ml.phantoms.parameters import LABELS, MGG, CellParameters, Optics, Stain, Surroundings
from ml.phantoms.recipes import sample_parameters
from ml.phantoms.shapes import Plane
from ml.phantoms.surroundings import Box, Disc, add_patch, add_platelets, add_red_cells

#: Pictures of this width (pixels) are drawn at the scale of the parameters.
STANDARD_SIZE = 360

#: Share of each class among 100 white cells of a healthy adult, for fields without given labels.
HEALTHY_DIFFERENTIAL = {
    "basophil": 0.01,
    "eosinophil": 0.03,
    "lymphocyte": 0.30,
    "monocyte": 0.06,
    "neutrophil": 0.60,
}


@dataclass(frozen=True, slots=True)
class Phantom:
    """One synthetic single-cell picture and its truth.

    ``image`` (H, W, 3) uint8 RGB; ``box`` (x, y, w, h) in pixels just around ``mask``; ``mask`` and
    ``nucleus_mask`` (H, W) bool, the nucleus inside the cell.
    """

    image: NDArray[np.uint8]
    label: str
    box: Box
    mask: NDArray[np.bool_]
    nucleus_mask: NDArray[np.bool_]
    parameters: CellParameters


@dataclass(frozen=True, slots=True)
class FieldCell:
    """One white cell of a field: class, box (x, y, w, h), and masks (h, w) bool within the box."""

    label: str
    box: Box
    mask: NDArray[np.bool_]
    nucleus_mask: NDArray[np.bool_]
    parameters: CellParameters


@dataclass(frozen=True, slots=True)
class Field:
    """One synthetic field of view: picture (H, W, 3) uint8 RGB, its white cells in the order of
    the labels asked for, boxes (x, y, w, h) of the visible red cells, and the count of
    platelets."""

    image: NDArray[np.uint8]
    cells: tuple[FieldCell, ...]
    red_cell_boxes: tuple[Box, ...]
    platelets: int


def _box_of(mask: NDArray[np.bool_]) -> Box:
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    return (
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    )


def _lay(
    density: NDArray[np.float32], white: Plane, patch: CellPatch, x: float, y: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Put a white cell on the canvas; return its masks (H, W)."""
    mask, nucleus = np.zeros(white.shape, bool), np.zeros(white.shape, bool)
    where = add_patch(density, patch.density, x, y)
    if where is None:
        raise ValueError("the cell's centre is outside the picture")
    np.maximum(white[where[:2]], patch.cover[where[2:]], out=white[where[:2]])
    mask[where[:2]] = patch.cover[where[2:]] > 0.5
    nucleus[where[:2]] = (patch.nucleus[where[2:]] > 0.5) & mask[where[:2]]
    return mask, nucleus


def draw_cell(
    label: str,
    seed: int,
    *,
    size: int = STANDARD_SIZE,
    parameters: CellParameters | None = None,
    stain: Stain = MGG,
) -> Phantom:
    """Draw one white cell of class ``label`` near the middle of a square picture.

    ``size`` is the side in pixels and a crop of the slide, not a zoom: below 220 a large monocyte
    may be cut. Without ``parameters`` they come from ``sample_parameters(label, seed)``; given
    ones keep the seed's placing, so that one parameter can be changed and everything else stay.
    """
    if parameters is None:
        parameters = sample_parameters(label, seed, stain=stain)
    elif parameters.label != label:
        raise ValueError(f"the parameters are of a {parameters.label}, not of a {label}")
    # One stream for each layer, so that changing one layer leaves the others in their places.
    streams = [np.random.default_rng([seed, LABELS.index(label), k]) for k in range(2, 7)]
    density = np.zeros((size, size, 3), np.float32)
    white = np.zeros((size, size), np.float32)
    jitter = streams[0].normal(0, 0.012 * size, 2).clip(-0.03 * size, 0.03 * size)
    x, y = size / 2 + jitter[0], size / 2 + jitter[1]
    mask, nucleus = _lay(density, white, draw_white_cell(streams[1], parameters), x, y)
    taken = [Disc(x, y, radius_pixels(parameters))]
    add_red_cells(
        streams[2],
        density,
        parameters.surroundings,
        parameters.optics,
        parameters.stain,
        taken,
        white,
    )
    add_platelets(
        streams[3], density, parameters.surroundings, parameters.optics, parameters.stain, taken
    )
    image = expose(
        streams[4], density, parameters.stain, parameters.illumination, parameters.optics
    )
    return Phantom(image, label, _box_of(mask), mask, nucleus, parameters)


def _spread(rng: np.random.Generator, shape: tuple[int, int], radii: Sequence[float]) -> list[Disc]:
    """Places for white cells, wholly inside the frame and apart from each other."""
    height, width = shape
    placed: list[Disc] = []
    for radius in radii:
        reach = 1.4 * radius + 2
        if 2 * reach >= min(height, width):
            raise ValueError(f"a cell of {2 * radius:.0f} pixels does not fit a {width}x{height}")
        for _ in range(400):
            x, y = rng.uniform(reach, width - reach), rng.uniform(reach, height - reach)
            if all(np.hypot(d.x - x, d.y - y) > 1.15 * (d.radius + radius) for d in placed):
                placed.append(Disc(float(x), float(y), radius))
                break
        else:
            raise ValueError(
                f"{len(radii)} white cells do not fit a {width}x{height} field: ask for fewer"
            )
    return placed


def draw_field(
    seed: int,
    *,
    labels: Sequence[str] | None = None,
    shape: tuple[int, int] = (768, 1024),
    stain: Stain = MGG,
    optics: Optics | None = None,
    surroundings: Surroundings | None = None,
) -> Field:
    """Draw a field of view, ``shape`` = (height, width) in pixels, with one white cell per label.

    Without ``labels``, one to four cells come from a healthy adult's differential. Raises
    ValueError when the cells do not fit the frame.
    """
    rng = np.random.default_rng([seed, 99])
    if labels is None:
        names = list(HEALTHY_DIFFERENTIAL)
        weights = list(HEALTHY_DIFFERENTIAL.values())
        labels = [str(n) for n in rng.choice(names, size=int(rng.integers(1, 5)), p=weights)]
    common = sample_parameters(
        "neutrophil", seed, stain=stain, optics=optics, surroundings=surroundings
    )
    # One slide, one camera: all cells of a field share stain, light, optics and surroundings.
    wanted = [
        replace(
            sample_parameters(label, seed * 1009 + i, stain=stain),
            surroundings=common.surroundings,
            illumination=common.illumination,
            optics=common.optics,
        )
        for i, label in enumerate(labels)
    ]
    density = np.zeros((*shape, 3), np.float32)
    white = np.zeros(shape, np.float32)
    places = _spread(rng, shape, [radius_pixels(p) for p in wanted])
    cells = []
    for parameters, place in zip(wanted, places, strict=True):
        patch = draw_white_cell(rng, parameters)
        mask, nucleus = _lay(density, white, patch, place.x, place.y)
        box = _box_of(mask)
        inside = slice(box[1], box[1] + box[3]), slice(box[0], box[0] + box[2])
        cells.append(FieldCell(parameters.label, box, mask[inside], nucleus[inside], parameters))
    boxes = add_red_cells(rng, density, common.surroundings, common.optics, stain, places, white)
    platelets = add_platelets(rng, density, common.surroundings, common.optics, stain, places)
    image = expose(rng, density, stain, common.illumination, common.optics)
    return Field(image, tuple(cells), tuple(boxes), platelets)
