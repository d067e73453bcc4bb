"""Outlines and random textures on small pixel grids, all float32."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Numbers = NDArray[np.floating[Any]]


def smoothstep(low: float, high: float, value: Numbers) -> Plane:
    """0 below ``low``, 1 above ``high``, a cubic between them; works elementwise."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0).astype(np.float32)
    return t * t * (3.0 - 2.0 * t)


def noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Plane:
    """Gaussian random field (H, W) of mean 0 and deviation 1, correlated over ``sigma`` pixels."""
    # A wide field is drawn small and enlarged: the same look at a fraction of the cost.
    step = max(1, int(sigma / 2.5))
    pad = 8
    small = (shape[0] // step + 2 * pad, shape[1] // step + 2 * pad)
    white = rng.standard_normal(small, dtype=np.float32)
    soft = cv2.GaussianBlur(white, (0, 0), max(0.3, sigma / step))
    soft = soft[pad:-pad, pad:-pad]
    if step > 1:
        soft = cv2.resize(soft, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    # The theoretical deviation, not the sample's: a small grid must not be stretched to look busy.
    deviation = 1.0 / (2.0 * np.sqrt(np.pi) * max(0.3, sigma / step))
    return np.asarray(soft / min(1.0, deviation), dtype=np.float32)


def band_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Plane:
    """Random field (H, W), deviation about 1, with blobs of one size: spots rather than clouds."""
    white = rng.standard_normal((shape[0] + 16, shape[1] + 16), dtype=np.float32)
    fine = cv2.GaussianBlur(white, (0, 0), max(0.3, sigma))
    field = (fine - cv2.GaussianBlur(fine, (0, 0), 1.8 * sigma))[8:-8, 8:-8]
    return np.asarray(field / max(1e-6, float(field.std())), dtype=np.float32)


def grid(size: int) -> tuple[Plane, Plane]:
    """x and y (size, size) in pixels from the centre of a square patch."""
    axis = np.arange(size, dtype=np.float32) - (size - 1) / 2
    x, y = np.meshgrid(axis, axis)
    return x, y


def rotated(x: Plane, y: Plane, angle: float) -> tuple[Plane, Plane]:
    """Coordinates seen from axes turned by ``angle`` radians."""
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return c * x + s * y, c * y - s * x


def radial_outline(
    rng: np.random.Generator,
    x: Plane,
    y: Plane,
    radius: float,
    elongation: float,
    irregularity: float,
    orders: int = 6,
) -> Plane:
    """Signed distance in pixels (negative inside, nearly exact close to the outline) of a wobbly
    ellipse of mean radius ``radius``; low orders of the wobble are the strongest."""
    x, y = rotated(x, y, rng.uniform(0, np.pi))
    stretch = np.float32(np.sqrt(elongation))
    u, v = x / stretch, y * stretch
    theta = np.linspace(-np.pi, np.pi, 257)
    wobble = np.zeros_like(theta)
    for order in range(2, orders + 1):
        amplitude = irregularity * rng.normal(0, 0.11) / order
        wobble += amplitude * np.cos(order * theta + rng.uniform(0, 2 * np.pi))
    bound = np.interp(np.arctan2(v, u).ravel(), theta, 1.0 + wobble).reshape(x.shape)
    return (np.hypot(u, v) - radius * bound).astype(np.float32)


def ellipse_distance(x: Plane, y: Plane, a: float, b: float) -> Plane:
    """Approximate signed distance in pixels to an ellipse with half-axes ``a`` (x) and ``b``."""
    k = np.hypot(x / a, y / b)
    gradient = np.hypot(x / (a * a), y / (b * b))
    return np.where(k > 1e-3, k * (k - 1.0) / np.maximum(gradient, 1e-6), -min(a, b)).astype(
        np.float32
    )


def capsule_distance(
    x: Plane, y: Plane, start: tuple[float, float], end: tuple[float, float], width: float
) -> Plane:
    """Signed distance in pixels to a thick line with half-width ``width``."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    t = ((x - start[0]) * dx + (y - start[1]) * dy) / max(1e-6, dx * dx + dy * dy)
    t = np.clip(t, 0, 1)
    return (np.hypot(x - start[0] - t * dx, y - start[1] - t * dy) - width).astype(np.float32)


def smooth_union(a: Plane, b: Plane, k: float) -> Plane:
    """Union of two signed distances with the corner between them rounded over ``k`` pixels."""
    h = np.clip(0.5 + 0.5 * (b - a) / k, 0, 1)
    return (b * (1 - h) + a * h - k * h * (1 - h)).astype(np.float32)


def alpha_of(distance: Numbers, softness: float = 1.0) -> Plane:
    """Cover (0..1) from a signed distance: half at the outline, soft over ``softness`` pixels."""
    return smoothstep(-softness, softness, -distance)


def depth_inside(cover: Plane) -> Plane:
    """Distance in pixels from each covered pixel to the outline, 0 outside."""
    inside = (cover > 0.5).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5), np.float32)


def scatter(
    rng: np.random.Generator,
    shape: tuple[int, int],
    spacing: float,
    radius: float,
    keep: float | Plane,
    spread: float = 0.25,
) -> Plane:
    """Cover (H, W), 0..1, by round grains of ``radius`` pixels on a jittered grid.

    ``keep`` is the chance that a grain is there, one number or one for each pixel; ``spread`` is
    the relative deviation of their strength.
    """
    rows = np.arange(0, shape[0], spacing * 0.87)
    columns = np.arange(0, shape[1], spacing)
    cx, cy = np.meshgrid(columns, rows)
    cx[1::2] += spacing / 2
    cx = (cx + rng.uniform(-0.38, 0.38, cx.shape) * spacing).ravel()
    cy = (cy + rng.uniform(-0.38, 0.38, cy.shape) * spacing).ravel()
    strength = np.clip(1 + spread * rng.standard_normal(cx.size), 0.3, 1.7)
    chance = rng.random(cx.size)
    inside = (cx >= 0) & (cx < shape[1] - 1) & (cy >= 0) & (cy < shape[0] - 1)
    cx, cy, strength, chance = cx[inside], cy[inside], strength[inside], chance[inside]
    ix, iy = cx.astype(int), cy.astype(int)
    there = chance < (keep[iy, ix] if isinstance(keep, np.ndarray) else keep)
    ix, iy, cx, cy, strength = ix[there], iy[there], cx[there], cy[there], strength[there]
    fx, fy = cx - ix, cy - iy
    points = np.zeros(shape, np.float32)
    for ox, oy, weight in (
        (0, 0, (1 - fx) * (1 - fy)),
        (1, 0, fx * (1 - fy)),
        (0, 1, (1 - fx) * fy),
        (1, 1, fx * fy),
    ):
        np.add.at(points, (iy + oy, ix + ox), (weight * strength).astype(np.float32))
    reach = int(np.ceil(radius + 1))
    kx, ky = grid(2 * reach + 1)
    kernel = alpha_of(np.hypot(kx, ky) - radius, 0.9)
    return np.minimum(cv2.filter2D(points, cv2.CV_32F, kernel), 1.6)
