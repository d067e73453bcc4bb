"""Random views of marked pictures, and what the network shall say about each.

Views are made in optical density, where stain acts: another lamp, stain or slide is a product or a
sum there. Only quarter turns and mirrors, so that boxes stay boxes.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from classifier.inference.locator_net import BLOCK, REACH, blocks
from ml.locator.boxes import Box
from ml.locator.masks import Marked

SIDE = 128  # of a view, pixels
SCALES = (0.22, 1.0)  # of a view against the 256 pixels of a marked picture
TINY = (0.16, 0.5)  # of the four pictures of a mosaic
PLATELETS_COUNT = 5.0  # times as much as other places: they are what is taken for cells
ENLARGED = (1.0, 2.4)  # how much larger than it was a platelet is laid beside: giant ones are rare
CORE = 0.5  # of the ellipse in a box: the inner part


@dataclass
class View:
    density: np.ndarray
    cells: np.ndarray
    nuclei: np.ndarray
    boxes: list[tuple[int, Box, float]]
    """Number of the cell, its box within the view, and how much of the whole box that is."""
    platelets: list[Box]


def sample(
    pools: list[list[Marked]], empty: list[np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One example: (32, 32, 48) blocks and (32, 32, 15) truth (see `truth`).

    `pools` are laboratories, chosen alike; `empty` densities of pictures without cells.
    """
    kind = rng.random()
    if kind < 0.05:
        density = cv2.resize(empty[rng.integers(len(empty))], (SIDE, SIDE))
        nothing = np.zeros((SIDE, SIDE), np.uint8)
        target = truth(View(density, nothing, nothing, [], []))
    elif kind < 0.3:
        density, target = _mosaic(pools[rng.integers(len(pools))], rng)
    else:
        scale = float(np.exp(rng.uniform(*np.log(SCALES))))
        view = _view(pools[rng.integers(len(pools))], SIDE, scale, rng)
        density, target = view.density, truth(view)
    density = _restained(density, rng)
    if rng.random() < 0.12:
        _frame(density, target, rng)
    return blocks(density), target


def _mosaic(pool: list[Marked], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Four pictures of one laboratory side by side: a field with several, smaller cells."""
    scale = float(np.exp(rng.uniform(*np.log(TINY))))
    parts = [
        _view(pool, SIDE // 2, scale * float(np.exp(rng.normal(0, 0.08))), rng) for _ in range(4)
    ]
    rows = [
        [np.hstack([each(a), each(b)]) for a, b in (parts[:2], parts[2:])]
        for each in (lambda view: view.density, truth)
    ]
    return np.vstack(rows[0]), np.vstack(rows[1])


def _view(pool: list[Marked], side: int, scale: float, rng: np.random.Generator) -> View:
    """A random place of a random picture, sometimes with another white cell laid beside."""
    marked = pool[rng.integers(len(pool))]
    spread = 0.42 if rng.random() < 0.7 else 0.1
    place = side * (0.5 + rng.uniform(-spread, spread, 2))
    view = _shown(marked, side, scale, _point(marked, rng), place, rng)
    if rng.random() < 0.22 and marked.boxes:
        other = pool[rng.integers(len(pool))]
        if other.boxes:
            _lay_beside(view, marked, other, scale, place, rng)
    if rng.random() < 0.2:
        _lay_platelet(view, pool[rng.integers(len(pool))], scale, rng)
    return view


def _point(marked: Marked, rng: np.random.Generator) -> np.ndarray:
    """What comes to lie near the middle of a view: mostly a cell."""
    if marked.boxes and rng.random() < 0.85:
        return _middle(marked.boxes[rng.integers(len(marked.boxes))])
    return rng.uniform(0, 1, 2) * marked.cells.shape[::-1]


def _middle(box: Box) -> np.ndarray:
    return np.array([box[0] + box[2], box[1] + box[3]]) / 2


def _longer(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def _shown(
    marked: Marked,
    side: int,
    scale: float,
    point: np.ndarray,
    place: np.ndarray,
    rng: np.random.Generator,
) -> View:
    """The picture turned by quarters, mirrored and scaled so that `point` lies at `place`."""
    turn = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), rng.integers(4)) * scale
    if rng.random() < 0.5:
        turn[0] = -turn[0]
    offset = place - turn @ point
    matrix = np.column_stack([turn, offset])
    density = marked.density
    if scale < 0.6:
        density = cv2.GaussianBlur(density, (0, 0), 0.4 / scale)
    density = cv2.warpAffine(density, matrix, (side, side), flags=cv2.INTER_LINEAR)
    cells, nuclei = (
        cv2.warpAffine(mask, matrix, (side, side), flags=cv2.INTER_NEAREST)
        for mask in (marked.cells, marked.nuclei)
    )

    def moved(box: Box) -> tuple[Box, float]:
        corners = np.array([box[:2], box[2:]]) @ turn.T + offset
        low, high = corners.min(0), corners.max(0)
        left, top, right, bottom = (float(v) for v in np.clip([*low, *high], 0, side))
        return (left, top, right, bottom), (right - left) * (bottom - top) / float(
            np.prod(high - low)
        )

    if rng.random() < 0.6:
        density = _cell_restained(density, cells, nuclei, rng)
    return View(
        density,
        cells,
        nuclei,
        [(number + 1, *moved(box)) for number, box in enumerate(marked.boxes)],
        [moved(box)[0] for box in marked.platelets],
    )


def _lay_beside(
    view: View,
    marked: Marked,
    other: Marked,
    scale: float,
    place: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Copy another picture's white cells to where one touches the cell of this view."""
    box = other.boxes[rng.integers(len(other.boxes))]
    apart = (_longer(box) + _longer(marked.boxes[0])) / 2 * scale * rng.uniform(0.72, 1.3)
    angle = rng.uniform(0, 2 * np.pi)
    there = place + apart * np.array([np.cos(angle), np.sin(angle)])
    side = len(view.cells)
    laid = _shown(other, side, scale * float(np.exp(rng.normal(0, 0.1))), _middle(box), there, rng)
    mask = laid.cells > 0
    shared = (mask & (view.cells > 0)).sum()
    if shared >= 0.25 * max(1, min(mask.sum(), (view.cells > 0).sum())):
        return
    soft = cv2.GaussianBlur(
        cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 0.8
    )[:, :, np.newaxis]
    first = int(view.cells.max())
    view.density = view.density * (1 - soft) + laid.density * soft
    view.nuclei = np.where(mask, laid.nuclei, view.nuclei)
    view.cells = np.where(mask, laid.cells + first, view.cells)
    view.boxes += [
        (number + first, where, share)
        for number, where, share in laid.boxes
        if (laid.cells == number).any()
    ]


def _lay_platelet(view: View, other: Marked, scale: float, rng: np.random.Generator) -> None:
    """Copy a platelet of another picture, enlarged, to where there is no white cell."""
    if not other.platelets:
        return
    box = other.platelets[rng.integers(len(other.platelets))]
    left, top = (max(0, int(value)) for value in box[:2])
    patch = np.rot90(other.density[top : int(box[3]) + 1, left : int(box[2]) + 1], rng.integers(4))
    large = scale * rng.uniform(*ENLARGED)
    height, width = (max(3, round(length * large)) for length in patch.shape[:2])
    side = len(view.cells)
    if max(height, width) >= side:
        return
    patch = cv2.resize(np.ascontiguousarray(patch), (width, height), interpolation=cv2.INTER_LINEAR)
    y, x = rng.integers(0, side - height), rng.integers(0, side - width)
    place = np.s_[y : y + height, x : x + width]
    if view.cells[place].any():
        return
    view.density[place] = np.maximum(view.density[place], patch)
    view.platelets.append((float(x), float(y), float(x + width), float(y + height)))


def _cell_restained(
    density: np.ndarray, cells: np.ndarray, nuclei: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Nucleus and cytoplasm as strongly stained as in another cell."""
    sigma = max(0.8, len(density) / 128)
    nucleus, cell = (
        cv2.GaussianBlur((mask > 0).astype(np.float32), (0, 0), sigma)[:, :, np.newaxis]
        for mask in (nuclei, cells)
    )
    in_nucleus, in_cytoplasm = (
        np.exp(rng.normal(-0.06, 0.3)) * np.exp(rng.normal(0, 0.13, 3)) for _ in range(2)
    )
    gain = 1 + nucleus * (in_nucleus - 1) + np.maximum(cell - nucleus, 0) * (in_cytoplasm - 1)
    return density * gain.astype(np.float32)


def _restained(density: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The view under another stain, lamp, lens and camera."""
    mixing = np.diag(np.exp(rng.normal(-0.03, 0.32)) * np.exp(rng.normal(0, 0.2, 3)))
    mixing += rng.normal(0, 0.09, (3, 3)) * (1 - np.eye(3))
    density = density @ mixing.T.astype(np.float32)
    if rng.random() < 0.3:
        density = np.sign(density) * np.abs(density) ** np.float32(np.exp(rng.normal(0, 0.2)))
    density = density + rng.normal(0, 0.03, 3).astype(np.float32)
    height, width = density.shape[:2]
    if rng.random() < 0.3:
        across, down = rng.normal(0, 0.06, 2)
        shade = (
            np.linspace(-across, across, width) + np.linspace(-down, down, height)[:, np.newaxis]
        )
        density = density + shade[:, :, np.newaxis].astype(np.float32)
    if rng.random() < 0.4:
        density = cv2.GaussianBlur(density, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.5:
        noise = rng.normal(0, rng.uniform(0.005, 0.06), density.shape)
        density = density + noise.astype(np.float32)
    return density


def _frame(density: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> None:
    """Lay a frame along one side that was filled with background: nothing is below it."""
    turns, covered = rng.integers(4), rng.integers(1, len(target) // 3)
    np.rot90(density, turns)[: covered * BLOCK] = 0  # rot90 gives a view: this writes into density
    np.rot90(target, turns)[:covered, :, :9] = 0


def truth(view: View) -> np.ndarray:
    """(h, w, 15) float32 in blocks: share of cell and of nucleus in the four quarters (8), core,
    reach to the four sides, weight of the block, weight of its core."""
    side = len(view.cells) // BLOCK
    target = np.zeros((side, side, 15), np.float32)
    for first, mask in ((0, view.cells > 0), (4, view.nuclei > 0)):
        share = cv2.resize(
            mask.astype(np.float32), (2 * side, 2 * side), interpolation=cv2.INTER_AREA
        )
        quarters = share.reshape(side, 2, side, 2).transpose(0, 2, 1, 3)
        target[:, :, first : first + 4] = quarters.reshape(side, side, 4)
    target[:, :, 13:] = 1
    y, x = np.mgrid[:side, :side] * BLOCK + BLOCK / 2
    for _, (left, top, right, bottom), visible in view.boxes:
        across, down = (right - left) / 2, (bottom - top) / 2
        if min(across, down) < 0.5:
            continue
        if visible < 0.3 or min(across, down) < 3:  # too little of it to ask for
            near = (x > left - 4) & (x < right + 4) & (y > top - 4) & (y < bottom + 4)
            target[near, 13] = 0
            continue
        away = np.hypot((x - left - across) / across, (y - top - down) / down)
        core = away < max(CORE, away.min() + 1e-6)
        target[core, 8] = 1
        target[core, 9:13] = np.stack([x - left, y - top, right - x, bottom - y], -1)[core] / REACH
    for left, top, right, bottom in view.platelets:
        near = (x > left - 3) & (x < right + 3) & (y > top - 3) & (y < bottom + 3)
        target[near, 14] = PLATELETS_COUNT
    return target
