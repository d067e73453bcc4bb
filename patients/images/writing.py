"""Guesses whether somebody has written into the picture. Runs in the child.

No text recognition: it looks for rows with many one-pixel jumps of brightness, which optics cannot
make but burned-in letters, rulers and scale bars do. It misses soft or faint writing, so the page
asks people to look as well (DICOM PS3.15, Clean Pixel Data: "may require a human operator").
"""

import numpy as np
from numpy.typing import NDArray

JUMP = 90  # grey levels between neighbouring pixels
JUMPS_IN_ROW = 6
ROWS = 6  # letters are at least this many pixels high
MAX_SPAN = 2_500  # columns and rows looked at, from the edges inwards, to bound the work


def possible_text(rgb: NDArray[np.uint8]) -> bool:
    """True where the (height, width, 3) picture has rows that look written on."""
    for band in _bands(rgb):
        grey = band[..., 1].astype(np.int16)
        sharp = np.abs(np.diff(grey, axis=1)) > JUMP
        busy = sharp.sum(axis=1) >= JUMPS_IN_ROW
        if _longest_run(busy) >= ROWS:
            return True
    return False


def hardly_any_colour(rgb: NDArray[np.uint8]) -> bool:
    """True where under 1 % of a coarse grid differs by more than 8 levels between the channels."""
    step = max(1, min(rgb.shape[:2]) // 64)
    grid = rgb[::step, ::step].astype(np.int16)
    spread = grid.max(axis=2) - grid.min(axis=2)
    return bool(np.mean(spread > 8) < 0.01)


def _bands(rgb: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    height = rgb.shape[0]
    if height <= 2 * MAX_SPAN:
        return [rgb]
    return [rgb[:MAX_SPAN], rgb[-MAX_SPAN:]]


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))
