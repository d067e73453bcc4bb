"""Outlines of the five kinds of nucleus, as signed distances, and their chromatin."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from ml.phantoms.parameters import Chromatin, Nucleus, NucleusShape
from ml.phantoms.shapes import (
    Plane,
    alpha_of,
    band_noise,
    capsule_distance,
    depth_inside,
    ellipse_distance,
    noise,
    rotated,
    smooth_union,
    smoothstep,
)


@dataclass(frozen=True, slots=True)
class NucleusDrawing:
    """Cover (H, W) 0..1 of the nucleus and ``folds`` (H, W) 0..1, where one lobe borders or lies
    over another and the membrane shows as a dark line."""

    cover: Plane
    folds: Plane


def _lobe_centres(
    rng: np.random.Generator, lobes: int, radius: float
) -> list[tuple[float, float, float]]:
    """Centres (x, y) and tangents of the lobes along a horseshoe inside the cell, in pixels."""
    turn = rng.uniform(0, 2 * np.pi)
    span = {2: 2.6, 3: 3.7, 4: 4.5, 5: 5.1}[lobes] * rng.uniform(0.85, 1.1)
    track = radius * (rng.uniform(0.42, 0.52) if lobes > 2 else rng.uniform(0.46, 0.58))
    drift = rng.normal(0, 0.05 * radius, 2)
    found = []
    for i in range(lobes):
        angle = turn + span * (i / (lobes - 1) - 0.5) + rng.normal(0, 0.09)
        r = track * rng.uniform(0.86, 1.12)
        found.append(
            (
                float(r * np.cos(angle) + drift[0]),
                float(r * np.sin(angle) + drift[1]),
                float(angle + np.pi / 2 + rng.normal(0, 0.35)),
            )
        )
    return found


def _grow_to(distance: Plane, cell: Plane, fraction: float) -> Plane:
    """Shift a signed distance so that it covers ``fraction`` of the cell."""
    inside = distance[cell > 0.5]
    return distance - np.float32(np.quantile(inside, fraction))


def _segmented(
    rng: np.random.Generator, nucleus: Nucleus, x: Plane, y: Plane, cell: Plane, radius: float
) -> tuple[Plane, Plane]:
    centres = _lobe_centres(rng, nucleus.lobes, radius)
    size = radius * {2: 0.37, 3: 0.29, 4: 0.25, 5: 0.22}[nucleus.lobes]
    separate = []
    for cx, cy, tangent in centres:
        u, v = rotated(x - cx, y - cy, tangent)
        long = size * rng.uniform(0.95, 1.3)
        separate.append(ellipse_distance(u, v, long, size * rng.uniform(0.72, 0.95)))
    joined = np.minimum.reduce(separate)
    grown = _grow_to(joined, cell, nucleus.area_fraction)
    shift = joined.flat[0] - grown.flat[0]
    # Where two lobes overlap, the border of the upper one is seen through the lower one.
    folds = np.zeros_like(joined)
    order = np.sort(np.stack(separate), axis=0)
    second = order[1] - shift
    folds = np.exp(-((second / 1.6) ** 2)) * (second < 3)
    outline = grown
    for (ax, ay, _), (bx, by, _) in pairwise(centres):
        width = radius * nucleus.bridge * rng.uniform(0.7, 1.3)
        bend = rng.normal(0, 0.06 * radius, 2)
        middle = ((ax + bx) / 2 * 1.08 + bend[0], (ay + by) / 2 * 1.08 + bend[1])
        for start, end in (((ax, ay), middle), (middle, (bx, by))):
            bridge = capsule_distance(x, y, start, end, width)
            outline = smooth_union(outline, bridge, max(1.5, 0.06 * radius))
    return outline, folds.astype(np.float32)


def _round(
    rng: np.random.Generator, nucleus: Nucleus, x: Plane, y: Plane, cell: Plane, radius: float
) -> tuple[Plane, Plane]:
    room = 1 - np.sqrt(nucleus.area_fraction)
    shift = rng.normal(0, 0.45 * room * radius, 2).clip(-room * radius, room * radius)
    u, v = rotated(x - shift[0], y - shift[1], rng.uniform(0, np.pi))
    base = radius * np.sqrt(nucleus.area_fraction)
    ratio = rng.uniform(1.0, 1.16)
    outline = ellipse_distance(u, v, base * np.sqrt(ratio), base / np.sqrt(ratio))
    if rng.random() < 0.35:
        angle, deep = rng.uniform(0, 2 * np.pi), rng.uniform(0.06, 0.16)
        reach = base * (1.16 - deep)
        dent = np.hypot(u - reach * np.cos(angle), v - reach * np.sin(angle)) - base * 0.2
        outline = -smooth_union(-outline, dent.astype(np.float32), base * 0.2)
    return _grow_to(outline, cell, nucleus.area_fraction), np.zeros_like(outline)


def _kidney(
    rng: np.random.Generator, nucleus: Nucleus, x: Plane, y: Plane, cell: Plane, radius: float
) -> tuple[Plane, Plane]:
    shift = rng.normal(0, 0.06 * radius, 2)
    u, v = rotated(x - shift[0], y - shift[1], rng.uniform(0, 2 * np.pi))
    base = radius * np.sqrt(nucleus.area_fraction)
    ratio = rng.uniform(1.1, 1.5)
    a, b = base * np.sqrt(ratio), base / np.sqrt(ratio)
    outline = ellipse_distance(u, v, a, b)
    folds = np.zeros_like(outline)
    # The hilum: a wedge cut in from one long side; deep ones make a horseshoe.
    deep, wide = rng.uniform(0.15, 1.0), rng.uniform(0.08, 0.26)
    slant = rng.normal(0, 0.25) * a
    notch = capsule_distance(u, v, (slant, -b * 1.3), (slant * 0.4, -b * (1 - deep)), wide * base)
    mouth = (slant * 0.8, -b * (1 - 0.4 * deep))
    notch = np.minimum(notch, capsule_distance(u, v, (slant, -b * 1.4), mouth, 1.8 * wide * base))
    outline = -smooth_union(-outline, notch, 0.16 * base)
    for _ in range(rng.integers(0, 3)):
        ends = rng.uniform(-0.75, 0.75, 4) * np.array([a, b, a, b])
        crease = capsule_distance(
            u + noise(rng, x.shape, radius / 5) * 2.5,
            v,
            (float(ends[0]), float(ends[1])),
            (float(ends[2]), float(ends[3])),
            0.0,
        )
        folds = np.maximum(folds, np.exp(-((crease / 1.5) ** 2)) * rng.uniform(0.4, 0.9))
    return _grow_to(outline, cell, nucleus.area_fraction), folds.astype(np.float32)


def _wanted_parts(cover: Plane, lobes: int) -> Plane:
    """1 on the parts of a nucleus worth keeping, 0 on splinters that bending cut off."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats((cover > 0.05).astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    least = areas.max() if lobes == 1 else 0.08 * areas.sum()
    kept = np.zeros(count, np.float32)
    kept[1:] = areas >= least
    return np.asarray(kept[parts], dtype=np.float32)


def draw_nucleus(
    rng: np.random.Generator, nucleus: Nucleus, x: Plane, y: Plane, cell: Plane, radius: float
) -> NucleusDrawing:
    """Draw one nucleus inside ``cell`` (H, W cover); ``radius`` is the cell's, in pixels."""
    # Bending the coordinates bends the lobes: no nucleus is made of true ellipses.
    reach = nucleus.roughness * radius
    x = x + 0.10 * reach * noise(rng, x.shape, radius / 3) / 1.0
    y = y + 0.10 * reach * noise(rng, x.shape, radius / 3) / 1.0
    draw = {
        NucleusShape.SEGMENTED: _segmented,
        NucleusShape.BILOBED: _segmented,
        NucleusShape.OBSCURED: _segmented,
        NucleusShape.ROUND: _round,
        NucleusShape.KIDNEY: _kidney,
    }[nucleus.shape]
    outline, folds = draw(rng, nucleus, x, y, cell, radius)
    outline = outline + 0.06 * reach * noise(rng, x.shape, radius / 9)
    # The cell's own membrane stays outside the nucleus, however it is bent.
    whole = cv2.GaussianBlur(cell, (0, 0), max(2.0, 0.06 * radius)) > 0.55
    margin = 2.0 - cv2.distanceTransform(whole.astype(np.uint8), cv2.DIST_L2, 5)
    cover = alpha_of(np.maximum(outline, margin).astype(np.float32), 1.1)
    cover = cover * _wanted_parts(cover, nucleus.lobes)
    return NucleusDrawing(cover=cover, folds=folds * cover)


def chromatin_density(
    rng: np.random.Generator, chromatin: Chromatin, drawing: NucleusDrawing, pixels_per_um: float
) -> Plane:
    """Dye in the nucleus (H, W), 1 = the stain's chromatin vector, 0 outside."""
    shape = drawing.cover.shape
    grain = max(0.8, chromatin.grain_um * pixels_per_um)
    spots = band_noise(rng, shape, grain * 0.55)
    fine = band_noise(rng, shape, max(0.7, grain * 0.3))
    cloud = noise(rng, shape, grain * 2.5)
    # Clumps: mostly dark with pale gaps. Lace: dark threads, where the field changes its sign,
    # around pale meshes.
    clumped = 1.12 - chromatin.contrast * smoothstep(-0.9, 2.9, spots + 1.0 * fine + 0.35 * cloud)
    meshes = 0.8 * np.abs(spots) + 0.5 * spots - 0.8 + 1.1 * fine + 0.25 * cloud
    laced = 1.18 - chromatin.contrast * smoothstep(-1.9, 1.5, meshes)
    body = (1 - chromatin.lace) * clumped + chromatin.lace * laced
    body = body + 0.06 * cloud
    depth = depth_inside(drawing.cover)
    # The membrane with the chromatin that clings to it: a dark line a third of a micrometre wide.
    line = 0.30 * pixels_per_um
    rim = np.exp(-(((depth - 0.6 * line) / line) ** 2))
    rim = np.maximum(rim, 0.8 * drawing.folds)
    body = body * (1 - 0.6 * rim) + 0.6 * rim * np.maximum(body, 1.0)
    body = body + chromatin.rim * rim
    # A soft floor: even the palest gap has some chromatin above and below it.
    body = 0.22 + 0.14 * np.logaddexp(0.0, (np.minimum(body, 1.5) - 0.22) / 0.14)
    return (chromatin.density * body * drawing.cover).astype(np.float32)
