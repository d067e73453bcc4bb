"""Cell and nucleus inside a box that a person drew: what the locator's network learns from.

Inside a box the question is easy (there is one cell, and it reaches all four sides), so that
GrabCut and Otsu's threshold answer it where they would fail on the whole picture.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from classifier.inference.colour import background, optical_density
from classifier.inference.preprocess import decode
from ml.locator.boxes import Box, Picture, iou

SIDE = 256  # of the copy that masks are made on, longest side
TRUSTED = 0.82  # least overlap of a mask's own box with the given one
MANY = 0.75  # least share of the ellipse in the box that a trusted mask fills


@dataclass(frozen=True)
class Marked:
    """A picture reduced to 256 pixels, with truth for each of its pixels."""

    density: np.ndarray
    """(H, W, 3) float32 optical density."""
    cells: np.ndarray
    """(H, W) uint8: number of the white cell, from 1; 0 outside."""
    nuclei: np.ndarray
    """(H, W) uint8, 1 in a nucleus."""
    boxes: tuple[Box, ...]
    """Of the cells, in their order."""
    platelets: tuple[Box, ...] = ()


def mark(picture: Picture) -> Marked:
    """Read a picture and find cell and nucleus in each box."""
    rgb = decode(picture.path.read_bytes())
    scale = SIDE / max(rgb.shape[:2])
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    boxes, others, platelets = (
        [_scaled(box, scale) for box in given]
        for given in (picture.boxes, picture.others, picture.platelets)
    )
    empty = background(small)
    density = optical_density(small, empty)
    smooth = cv2.GaussianBlur(density, (0, 0), 0.8)
    stain = smooth[:, :, 0] + 0.5 * (smooth[:, :, 1] - smooth[:, :, 2])
    balanced = np.clip(255 * np.exp(-smooth), 0, 255).astype(np.uint8)
    cells, nuclei = np.zeros(stain.shape, np.uint8), np.zeros(stain.shape, np.uint8)
    for number, box in enumerate(boxes):
        away, inside = _ellipse(box, stain.shape)
        within = (away < 1) & inside
        nucleus = _nucleus(stain, within)
        rivals = [other for other in boxes if other is not box]
        cell = _cell(balanced, box, away, inside, nucleus, others, rivals)
        cells[cell] = number + 1
        nuclei[cell & nucleus] = 1
    return Marked(density, cells, nuclei, tuple(boxes), tuple(platelets))


def _scaled(box: Box, scale: float) -> Box:
    left, top, right, bottom = (value * scale for value in box)
    return left, top, right, bottom


def _ellipse(box: Box, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Distance from the cell's middle (1 on the ellipse that fills the box), and the box.

    Where the rim of the picture cuts a cell, the ellipse goes on beyond it.
    """
    height, width = shape
    left, top, right, bottom = box
    x, y, across, down = (
        (left + right) / 2,
        (top + bottom) / 2,
        (right - left) / 2,
        (bottom - top) / 2,
    )
    if across < 0.8 * down and (left <= 2 or right >= width - 3):
        x, across = (right - down, down) if left <= 2 else (left + down, down)
    if down < 0.8 * across and (top <= 2 or bottom >= height - 3):
        y, down = (bottom - across, across) if top <= 2 else (top + across, across)
    rows, columns = np.mgrid[:height, :width]
    return np.hypot((columns - x) / across, (rows - y) / down), _filled(box, shape)


def _filled(box: Box, shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    left, top, right, bottom = box
    return (columns >= left - 0.5) & (columns <= right) & (rows >= top - 0.5) & (rows <= bottom)


def _nucleus(stain: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Where basic dye is dense: above Otsu's threshold in the cell, or nearly everywhere where
    the threshold divides nothing (a lymphocyte or basophil that is all nucleus)."""
    values = np.clip(stain[within] * 100, 0, 255).astype(np.uint8)
    if not len(values):
        return within
    threshold, above = cv2.threshold(values, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    high = above.ravel() > 0
    if high.any() and not high.all():
        low_mean, high_mean = float(values[~high].mean()), float(values[high].mean())
        if high_mean - low_mean < 0.35 * high_mean:
            threshold = 0.75 * low_mean
    nucleus = ((stain * 100 > threshold) & within).astype(np.uint8)
    return cv2.morphologyEx(nucleus, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0


def _cell(
    balanced: np.ndarray,
    box: Box,
    away: np.ndarray,
    inside: np.ndarray,
    nucleus: np.ndarray,
    others: list[Box],
    rivals: list[Box],
) -> np.ndarray:
    """The cell: GrabCut from the ellipse in the box; the ellipse itself where that goes astray."""
    ellipse = (away < 1) & inside
    guess = np.full(away.shape, cv2.GC_BGD, np.uint8)
    guess[(away < 1.15) & inside] = cv2.GC_PR_BGD
    guess[ellipse] = cv2.GC_PR_FGD
    for other in others:
        guess[_filled(other, away.shape) & (away > 0.8) & ellipse] = cv2.GC_PR_BGD
    guess[((away < 0.55) & inside) | nucleus] = cv2.GC_FGD
    for rival in rivals:
        guess[_filled(rival, away.shape) & (away > 0.85) & ~nucleus] = cv2.GC_BGD
    if not (guess == cv2.GC_FGD).any():
        return ellipse
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # GrabCut starts from random clusters
    cv2.grabCut(balanced, guess, None, *models, 3, cv2.GC_INIT_WITH_MASK)
    found = ((guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD)).astype(np.uint8)
    brush = max(3, int(0.06 * min(box[2] - box[0], box[3] - box[1])) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (brush, brush))
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(found)
    if len(stats) < 2:
        return ellipse
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    left, top, width, height = (float(value) for value in stats[largest, :4])
    overlap = iou((left, top, left + width, top + height), box)
    if overlap < TRUSTED or stats[largest, cv2.CC_STAT_AREA] < MANY * ellipse.sum():
        return ellipse
    outline, _ = cv2.findContours(
        (labels == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    return cv2.drawContours(np.zeros(away.shape, np.uint8), outline, -1, 1, -1) > 0
