"""The locator's network in NumPy: a small fully convolutional net on blocks of 4x4 pixels.

Its weights are plain numbers in locator.npz, trained by ml.locator; no framework is needed to run
it, and a picture of 160 pixels costs about two milliseconds.
"""

import hashlib
import io
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classifier.inference.errors import ModelError

WEIGHTS = Path(__file__).with_name("locator.npz")
# Part of what the preprocessing id "cell-1.4-white-v1" means: other weights need another id.
SHA256 = "7bfb2dce17c0b5ad44f202e653d44b965902bb3b1d10301ff8673d60e6b9c597"
BLOCK = 4
DILATIONS = (1, 1, 2, 4, 2, 1)
DENSITY_RANGE = (-0.3, 2.5)


class Maps(NamedTuple):
    cell: np.ndarray
    """(2h, 2w) float32, probability that a place belongs to a white cell; h, w in blocks."""
    nucleus: np.ndarray
    """(2h, 2w) float32, that it belongs to its nucleus."""
    core: np.ndarray
    """(h, w) float32, that a block lies in the inner half of a white cell."""
    reach: np.ndarray
    """(h, w, 4) float32, from the block's middle to the cell's left, top, right and bottom edge,
    in pixels of the input."""


@cache
def weights() -> tuple[np.ndarray, ...]:
    data = WEIGHTS.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ModelError(f"{WEIGHTS.name} is not the file this version was measured with.")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return tuple(arrays[name].astype(np.float32) for name in arrays.files)


def run(density: np.ndarray, parameters: tuple[np.ndarray, ...] | None = None) -> Maps:
    """(H, W, 3) float32 optical density, H and W multiples of BLOCK, to Maps."""
    given = iter(parameters or weights())
    height, width = (side // BLOCK for side in density.shape[:2])
    blocks = np.clip(density, *DENSITY_RANGE).reshape(height, BLOCK, width, BLOCK, 3)
    blocks = blocks.transpose(0, 2, 1, 3, 4).reshape(height, width, -1)
    level = np.maximum(blocks @ next(given)[0, 0] + next(given), 0)
    for dilation in DILATIONS:
        level = level + _convolve(level, next(given), next(given), dilation)
    found = level @ next(given)[0, 0] + next(given)
    return Maps(
        _interleaved(_sigmoid(found[:, :, :4])),
        _interleaved(_sigmoid(found[:, :, 4:8])),
        _sigmoid(found[:, :, 8]),
        np.logaddexp(0, found[:, :, 9:13]) * 16,
    )


def _convolve(level: np.ndarray, kernel: np.ndarray, bias: np.ndarray, gap: int) -> np.ndarray:
    """relu of a 3x3 convolution with zero padding and dilation `gap`."""
    height, width, channels = level.shape
    padded = np.pad(level, ((gap, gap), (gap, gap), (0, 0)))
    columns = np.empty((height, width, 9 * channels), np.float32)
    for place in range(9):
        y, x = place // 3 * gap, place % 3 * gap
        columns[:, :, place * channels : (place + 1) * channels] = padded[
            y : y + height, x : x + width
        ]
    summed = columns.reshape(height * width, -1) @ kernel.reshape(9 * channels, -1)
    summed += bias
    return np.maximum(summed, 0, out=summed).reshape(height, width, -1)


def _interleaved(quarters: np.ndarray) -> np.ndarray:
    """(h, w, 4) to (2h, 2w): the four quarters of each block, by rows."""
    height, width = quarters.shape[:2]
    return (
        quarters.reshape(height, width, 2, 2).transpose(0, 2, 1, 3).reshape(2 * height, 2 * width)
    )


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))
