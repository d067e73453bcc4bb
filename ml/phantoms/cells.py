"""One white cell as optical density on a transparent square patch."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.phantoms.nuclei import NucleusDrawing, chromatin_density, draw_nucleus
from ml.phantoms.parameters import CellParameters, GranuleKind, Stain, Vector
from ml.phantoms.shapes import (
    Numbers,
    Plane,
    alpha_of,
    band_noise,
    depth_inside,
    grid,
    noise,
    radial_outline,
    scatter,
    smoothstep,
)


@dataclass(frozen=True, slots=True)
class CellPatch:
    """Optical density (H, W, 3), cover of cell and of nucleus (H, W) 0..1, float32, and the count
    of lobes drawn."""

    density: NDArray[np.float32]
    cover: Plane
    nucleus: Plane


def dye(amount: Numbers, vector: Vector, gain: float) -> NDArray[np.float32]:
    """Optical density (H, W, 3) of an amount (H, W) of one dye."""
    strength = np.asarray(vector, np.float32) * np.float32(gain)
    return (amount[..., None] * strength).astype(np.float32)


def _vacuoles(
    rng: np.random.Generator, count: int, free: Plane, pixels_per_um: float
) -> tuple[Plane, Plane]:
    """Cover by vacuoles and by their darker edges (H, W); they lie in the ``free`` cytoplasm."""
    holes, edges = np.zeros_like(free), np.zeros_like(free)
    rows, columns = np.nonzero(free > 0.6)
    if not rows.size:
        return holes, edges
    # Vacuoles come in company: most lie near the first one.
    home = int(rng.integers(rows.size))
    near = np.hypot(rows - rows[home], columns - columns[home])
    chance = np.exp(-near / (2.5 * pixels_per_um)) + 0.03
    picks = rng.choice(rows.size, size=count, p=chance / chance.sum())
    y, x = np.mgrid[: free.shape[0], : free.shape[1]].astype(np.float32)
    for pick in picks:
        radius = pixels_per_um * float(np.clip(rng.lognormal(-1.25, 0.45), 0.15, 0.75))
        distance = (np.hypot(x - columns[pick], y - rows[pick]) - radius).astype(np.float32)
        holes = np.maximum(holes, alpha_of(distance, 1.2))
        edges = np.maximum(edges, np.exp(-(((distance - 1.4) / 1.3) ** 2)))
    return holes * free, edges * free


def _fine_granules(
    rng: np.random.Generator, parameters: CellParameters, room: Plane
) -> tuple[Plane, Plane]:
    """Faint mottled grains everywhere and a few clear dark ones (H, W each)."""
    granules, scale = parameters.granules, parameters.optics.pixels_per_um
    radius = granules.diameter_um * scale / 2
    cloud = smoothstep(-1.2, 1.2, noise(rng, room.shape, 8 * radius))
    spacing = 2.1 * radius
    many = scatter(rng, room.shape, spacing, radius, granules.coverage * (0.5 + 0.5 * cloud), 0.4)
    many = np.asarray(cv2.GaussianBlur(many, (0, 0), 0.5 * radius), np.float32)
    few = scatter(rng, room.shape, 2.2 * spacing, radius, 0.3 * granules.coverage * cloud, 0.6)
    return many * room, few * room


def _coarse_granules(
    rng: np.random.Generator, parameters: CellParameters, room: Plane
) -> tuple[Plane, Plane]:
    """Cover by packed round granules and the shine on their tops (H, W each)."""
    granules, scale = parameters.granules, parameters.optics.pixels_per_um
    radius = granules.diameter_um * scale / 2
    bare = noise(rng, room.shape, 9 * radius)
    limit = 2.2 * granules.coverage + 0.2
    keep = np.clip(granules.coverage + 0.05, 0, 1) * smoothstep(-limit - 0.9, -limit + 0.3, bare)
    packed = scatter(rng, room.shape, 1.9 * radius, radius * 0.95, keep, 0.35)
    tops = scatter(rng, room.shape, 1.75 * radius, radius * 0.45, 0.6 * keep, 0.3)
    return np.clip(packed, 0, 1.25) * room, np.clip(tops, 0, 1) * room


def _cytoplasm(
    rng: np.random.Generator, parameters: CellParameters, cell: Plane, stain: Stain
) -> NDArray[np.float32]:
    body, scale = parameters.cytoplasm, parameters.optics.pixels_per_um
    shape = cell.shape
    cloud = noise(rng, shape, 1.1 * scale)
    fine = band_noise(rng, shape, 0.16 * scale)
    texture = np.clip(1 + body.mottling * (0.16 * cloud + 0.20 * fine), 0.25, 2.2)
    depth = depth_inside(cell)
    # The flattened cell is thinner towards its edge, and its membrane a faint line.
    thick = 0.72 + 0.28 * smoothstep(0, 1.3 * scale, depth)
    membrane = 0.22 * np.exp(-(((depth - 1.5) / 1.2) ** 2))
    blue = body.basophilia * cell * (texture * thick + membrane)
    pink_cloud = np.clip(1 + body.mottling * 0.25 * noise(rng, shape, 0.8 * scale), 0.3, 2)
    pink = body.acidophilia * cell * (pink_cloud * (0.7 + 0.3 * texture) * thick + 0.5 * membrane)
    return dye(blue, stain.basophilia, stain.azure_gain) + dye(pink, stain.eosin, stain.eosin_gain)


def draw_white_cell(rng: np.random.Generator, parameters: CellParameters) -> CellPatch:
    """Draw one white cell, centred on a square patch 1.5 diameters wide."""
    body, granules, stain = parameters.cytoplasm, parameters.granules, parameters.stain
    scale = parameters.optics.pixels_per_um
    radius = body.diameter_um * scale / 2
    x, y = grid(int(radius * 3) | 1)
    outline = radial_outline(rng, x, y, radius, body.elongation, body.irregularity)
    ragged = body.fraying * (noise(rng, x.shape, 0.35 * scale) + noise(rng, x.shape, 0.9 * scale))
    outline = outline + 0.22 * scale * ragged
    coarse = granules.kind is GranuleKind.COARSE_VIOLET
    if coarse:
        # Coarse granules bulge the outline.
        size = granules.diameter_um * scale
        bulges = band_noise(rng, x.shape, 0.42 * size)
        outline = outline - 0.09 * size * bulges
    cell = alpha_of(outline.astype(np.float32), 1.8 + 0.25 * scale * body.fraying)
    drawing = draw_nucleus(rng, parameters.nucleus, x, y, cell, radius)
    chromatin = chromatin_density(rng, parameters.chromatin, drawing, scale)
    free = cell * (1 - drawing.cover)
    density = _cytoplasm(rng, parameters, cell, stain) * (1 - 0.8 * drawing.cover[..., None])
    if body.vacuoles:
        holes, edges = _vacuoles(rng, body.vacuoles, free, scale)
        density = density * (1 - 0.88 * holes + 0.25 * edges)[..., None]
    density = density + dye(chromatin, stain.chromatin, stain.azure_gain)
    density = density + dye(drawing.cover, stain.karyoplasm, stain.azure_gain)
    density = _add_granules(rng, parameters, density, cell, drawing)
    return CellPatch(density=density, cover=cell, nucleus=drawing.cover)


def _add_granules(
    rng: np.random.Generator,
    parameters: CellParameters,
    density: NDArray[np.float32],
    cell: Plane,
    drawing: NucleusDrawing,
) -> NDArray[np.float32]:
    granules, stain = parameters.granules, parameters.stain
    strength = granules.strength
    room = cell * (1 - (1 - granules.over_nucleus) * drawing.cover)
    if granules.kind is GranuleKind.FINE:
        many, few = _fine_granules(rng, parameters, room)
        amount = strength * (0.26 * many + 0.48 * few)
        return density + dye(amount, stain.azurophil, stain.azure_gain)
    if granules.kind is GranuleKind.COARSE_ORANGE:
        packed, tops = _coarse_granules(rng, parameters, room)
        edge = cv2.GaussianBlur(packed, (0, 0), 2.0)
        amount = strength * (0.60 * edge + 0.46 * packed - 0.18 * tops)
        hidden = (1 - 0.75 * np.clip(edge, 0, 1))[..., None] * (1 - drawing.cover[..., None])
        density = density * (hidden + drawing.cover[..., None])
        return density + dye(amount, stain.eosin, stain.eosin_gain)
    if granules.kind is GranuleKind.COARSE_VIOLET:
        packed, tops = _coarse_granules(rng, parameters, room)
        cover = np.clip(packed, 0, 1)
        # Granules hide what lies below rather than add to it: both are nearly opaque.
        amount = strength * cover * (1.0 - 0.12 * tops)
        under = density * (1 - 0.72 * cover)[..., None]
        under = under + dye(amount, stain.chromatin, stain.azure_gain)
        return under + dye(0.72 * cover, stain.karyoplasm, stain.azure_gain)
    return density


def radius_pixels(parameters: CellParameters) -> float:
    """Half the cell's mean diameter in pixels."""
    return parameters.cytoplasm.diameter_um * parameters.optics.pixels_per_um / 2
