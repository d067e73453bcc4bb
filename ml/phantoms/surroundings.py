"""What lies around the white cells: red cells with their pallor, platelets, specks of stain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.phantoms.parameters import Optics, Stain, Surroundings
from ml.phantoms.shapes import (
    Plane,
    alpha_of,
    band_noise,
    grid,
    noise,
    radial_outline,
    scatter,
    smooth_union,
    smoothstep,
)

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Disc:
    """Centre and radius in pixels of something already placed."""

    x: float
    y: float
    radius: float


def add_patch(
    canvas: NDArray[np.float32], patch: NDArray[np.float32], x: float, y: float
) -> tuple[slice, slice, slice, slice] | None:
    """Add ``patch`` centred at (x, y), cut at the canvas's edges; return the slices of both."""
    height, width = canvas.shape[:2]
    top, left = round(y) - patch.shape[0] // 2, round(x) - patch.shape[1] // 2
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(height, top + patch.shape[0]), min(width, left + patch.shape[1])
    if y1 <= y0 or x1 <= x0:
        return None
    on_canvas = slice(y0, y1), slice(x0, x1)
    on_patch = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    canvas[on_canvas] += patch[on_patch]
    return *on_canvas, *on_patch


def _place(
    rng: np.random.Generator,
    shape: tuple[int, int],
    around: Surroundings,
    radius: float,
    taken: list[Disc],
) -> list[Disc]:
    """Centres of red cells by dart throwing; some may overlap a neighbour, none a white cell."""
    height, width = shape
    margin = radius
    area = (height + 2 * margin) * (width + 2 * margin)
    blocked = sum(np.pi * d.radius**2 for d in taken)
    wanted = int(around.red_cell_cover * (area - blocked) / (np.pi * radius**2) * 1.05)
    placed: list[Disc] = []
    for _ in range(wanted * 12):
        if len(placed) >= wanted:
            break
        x, y = rng.uniform(-margin, width + margin), rng.uniform(-margin, height + margin)
        own = radius * float(np.clip(rng.normal(1, 0.07), 0.75, 1.3))
        nearness = 0.80 if rng.random() < around.overlap else 1.02
        if placed and rng.random() < 0.5 * around.overlap:
            # Rouleaux begin with one cell leaning on another.
            other = placed[int(rng.integers(len(placed)))]
            angle = rng.uniform(0, 2 * np.pi)
            reach = other.radius * rng.uniform(1.5, 1.9)
            x, y = other.x + reach * np.cos(angle), other.y + reach * np.sin(angle)
            nearness = 0.72
        if any(np.hypot(d.x - x, d.y - y) < 0.9 * (d.radius + own) for d in taken):
            continue
        if any(np.hypot(d.x - x, d.y - y) < nearness * (d.radius + own) for d in placed):
            continue
        placed.append(Disc(float(x), float(y), own))
    return placed


def _press(
    rng: np.random.Generator, outline: Plane, x: Plane, y: Plane, disc: Disc, others: list[Disc]
) -> Plane:
    """Flatten an outline where neighbours would overlap it: red cells that meet press flat."""
    for other in others:
        dx, dy = other.x - disc.x, other.y - disc.y
        apart = float(np.hypot(dx, dy))
        # The border of equal power: where the two circles cross.
        border = (apart**2 + disc.radius**2 - other.radius**2) / (2 * apart)
        side = (x * dx + y * dy) / apart - border + rng.uniform(0.2, 1.2)
        outline = -smooth_union(-outline, -side.astype(np.float32), 0.22 * disc.radius)
    return outline


def _red_cell(
    rng: np.random.Generator,
    disc: Disc,
    pressed_by: list[Disc],
    around: Surroundings,
    pallor: float,
    scale: float,
) -> Plane:
    """Haemoglobin in one red cell (square patch), 1 = the stain's vector, 0 outside."""
    x, y = grid(int(disc.radius * 2.9) | 1)
    elongation = 1 + abs(rng.normal(0, 0.10))
    outline = radial_outline(rng, x, y, disc.radius, elongation, 0.6, orders=5)
    outline = _press(rng, outline, x, y, disc, pressed_by)
    inward = (-outline / disc.radius).astype(np.float32)
    if rng.random() < around.crenated:
        spikes = rng.integers(9, 14)
        angle = np.arctan2(y, x)
        bumps = np.cos(spikes * angle + rng.uniform(0, 6) + np.sin(2 * angle))
        outline = outline + 0.045 * disc.radius * bumps.astype(np.float32)
    cover = alpha_of(outline.astype(np.float32), 1.7)
    amount = float(np.clip(rng.normal(1.0, 0.10), 0.7, 1.35))
    rim_width = float(np.clip(rng.normal(0.58 - 0.16 * around.pallor, 0.10), 0.3, 0.75))
    edge = rng.uniform(0.12, 0.34)
    centre = smoothstep(rim_width - edge, rim_width + edge, inward)
    # The rim is the thickest part, and the cell thins towards its middle.
    dome = 1.00 - 0.05 * smoothstep(0.05, 0.45, inward)
    profile = dome * (1 - pallor * centre)
    # A faint mottle: the eye notices a red cell without any.
    mottle = 1 + 0.02 * noise(rng, x.shape, 0.45 * scale)
    mottle += 0.03 * noise(rng, x.shape, 0.13 * scale)
    return (amount * cover * profile * mottle).astype(np.float32)


def add_red_cells(
    rng: np.random.Generator,
    canvas: NDArray[np.float32],
    around: Surroundings,
    optics: Optics,
    stain: Stain,
    taken: list[Disc],
    white_cover: Plane,
) -> list[Box]:
    """Add red cells to ``canvas`` (H, W, 3) optical density; return their boxes (x, y, w, h)."""
    shape = canvas.shape[:2]
    radius = around.red_cell_um * optics.pixels_per_um / 2
    haemoglobin = np.zeros(shape, np.float32)
    boxes: list[Box] = []
    # Pallor is a matter of the place on the smear: similar in one picture, with a few outliers.
    usual = float(np.clip(rng.normal(around.pallor, 0.2), 0.12, 0.85))
    room = _room_beside(white_cover)
    discs = _place(rng, (shape[0], shape[1]), around, radius, taken)
    pressing = _pressing(rng, discs, around)
    for disc, pressed_by in zip(discs, pressing, strict=True):
        pallor = float(np.clip(rng.normal(usual, 0.15), 0.05, 0.92))
        patch = _red_cell(rng, disc, pressed_by, around, pallor, optics.pixels_per_um)
        where = add_patch(haemoglobin, patch, disc.x, disc.y)
        if where is None:
            continue
        seen = (patch[where[2:]] > 0.3) & (room[where[:2]] > 0.5)
        if seen.sum() < 30:
            continue
        rows, columns = np.nonzero(seen.any(1))[0], np.nonzero(seen.any(0))[0]
        boxes.append(
            (
                int(where[1].start + columns[0]),
                int(where[0].start + rows[0]),
                int(columns[-1] - columns[0] + 1),
                int(rows[-1] - rows[0] + 1),
            )
        )
    # Where many lie over each other, they do not add up for ever: the pile is pressed flat.
    piled = np.where(haemoglobin > 1, 1 + 0.28 * (haemoglobin - 1), haemoglobin)
    haemoglobin = (piled * room).astype(np.float32)
    # Red cells lie a little above or below the white cell's focus.
    focus = abs(float(rng.normal(0, 0.07))) * optics.pixels_per_um
    if focus > 0.3:
        haemoglobin = np.asarray(cv2.GaussianBlur(haemoglobin, (0, 0), focus), np.float32)
    vector = np.asarray(stain.haemoglobin, np.float32) * np.float32(stain.eosin_gain)
    canvas += haemoglobin[..., None] * vector
    return boxes


def _pressing(
    rng: np.random.Generator, discs: list[Disc], around: Surroundings
) -> list[list[Disc]]:
    """For each red cell, the neighbours that flatten it; the rest may lie over it."""
    found: list[list[Disc]] = [[] for _ in discs]
    for i, one in enumerate(discs):
        for j in range(i + 1, len(discs)):
            other = discs[j]
            apart = np.hypot(one.x - other.x, one.y - other.y)
            if apart < 1.06 * (one.radius + other.radius) and rng.random() > around.overlap:
                found[i].append(other)
                found[j].append(one)
    return found


def _room_beside(white_cover: Plane) -> Plane:
    """0 under white cells, rising to 1 over a thin gap: red cells are pushed aside, not covered."""
    bare = (white_cover < 0.35).astype(np.uint8)
    outside = np.asarray(cv2.distanceTransform(bare, cv2.DIST_L2, 5), np.float32)
    return smoothstep(0.0, 2.0, outside)


def add_platelets(
    rng: np.random.Generator,
    canvas: NDArray[np.float32],
    around: Surroundings,
    optics: Optics,
    stain: Stain,
    taken: list[Disc],
) -> int:
    """Add platelets to ``canvas`` (H, W, 3) optical density; return how many."""
    height, width = canvas.shape[:2]
    scale = optics.pixels_per_um
    mean = around.platelets * height * width / scale**2 / 1000
    count = 0
    for _ in range(int(rng.poisson(mean))):
        radius = scale * float(np.clip(rng.normal(1.05, 0.3), 0.5, 1.9))
        # Beside the red cells: a platelet lying on one is easily taken for a parasite.
        for _ in range(12):
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            top, left = max(0, int(y - radius)), max(0, int(x - radius))
            under = canvas[top : int(y + radius) + 1, left : int(x + radius) + 1, 1]
            apart = all(np.hypot(d.x - x, d.y - y) > d.radius + 1.3 * radius for d in taken)
            if apart and under.mean() < 0.03:
                break
        else:
            continue
        gx, gy = grid(int(radius * 3.4) | 1)
        outline = radial_outline(rng, gx, gy, radius, 1 + abs(rng.normal(0, 0.3)), 0.9, orders=7)
        cover = alpha_of(outline, 1.8)
        grains = scatter(rng, gx.shape, 0.26 * scale, 0.16 * scale, 0.75, 0.4)
        core = smoothstep(0.0, 0.55 * radius, -outline)
        violet = (0.12 + 0.75 * grains * (0.35 + 0.65 * core)) * cover * rng.uniform(0.6, 1.15)
        blue = 0.5 * cover * (1 + 0.2 * band_noise(rng, gx.shape, 0.12 * scale))
        patch = violet[..., None] * np.asarray(stain.azurophil, np.float32)
        patch = patch + blue[..., None] * np.asarray(stain.basophilia, np.float32)
        add_patch(canvas, (patch * np.float32(stain.azure_gain)).astype(np.float32), x, y)
        count += 1
    return count
