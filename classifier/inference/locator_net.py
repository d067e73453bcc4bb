"""The locator's network: small, fully convolutional, on blocks of 4x4 pixels.

Its weights are plain numbers in locator.npz, trained by ml.locator. Two levels: blocks for edges,
and squares of four blocks for what surrounds a place. `forward` is the network to read, in NumPy;
OpenVINO runs the same (locator_engine) in half the time, where it is installed.
"""

import hashlib
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classifier.inference.errors import ModelError

WEIGHTS = Path(__file__).with_name("locator.npz")
# Part of what the preprocessing id "cell-1.4-white-v1" means: other weights need another id.
SHA256 = "958c39b3cbf0dfe0c73eab9130904bb6f4e8f63e47cf721a2af9294103facd6f"
SIDE = 128  # of the copy that is looked at first, longest side
BLOCK = 4  # pixels a side
STEP = 2 * BLOCK  # sides of the input are multiples of this
FINE, COARSE = 24, 48  # channels of the two levels
DILATIONS = (1, 2, 4, 1)  # of the convolutions of the coarse level
LAST = 2  # convolutions of the fine level after it
DENSITY_RANGE = (-0.3, 2.5)
REACH = 16.0  # pixels that 1 stands for


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
    """Kernels and biases in the order of use; ModelError if the file is not this version's."""
    data = WEIGHTS.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ModelError(f"{WEIGHTS.name} is not the file that this version was measured with.")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return tuple(arrays[name].astype(np.float32) for name in arrays.files)


def blocks(density: np.ndarray) -> np.ndarray:
    """(H, W, 3) optical density to (H/4, W/4, 48) float32: the network's input."""
    return _folded(np.clip(density, *DENSITY_RANGE), BLOCK)


def run(density: np.ndarray) -> Maps:
    """(H, W, 3) float32 optical density, H and W multiples of STEP, to Maps. Thread-safe."""
    return _runner()(density)


def reference(density: np.ndarray) -> Maps:
    """`run` in NumPy; the engine's maps differ from these by less than 1e-4."""
    found = forward(blocks(density), weights())
    return Maps(
        _unfolded(_sigmoid(found[:, :, :4])),
        _unfolded(_sigmoid(found[:, :, 4:8])),
        _sigmoid(found[:, :, 8]),
        np.logaddexp(0, found[:, :, 9:13]) * np.float32(REACH),
    )


@cache
def _runner() -> Callable[[np.ndarray], Maps]:
    """What runs the network in this process. OpenVINO is loaded by the first picture: the main
    process of a worker must not have an engine when it forks, and who reads only manifests
    needs none."""
    try:
        from classifier.inference import locator_engine
    except ImportError:
        return reference
    return locator_engine.run


def forward(level: np.ndarray, parameters: tuple[np.ndarray, ...]) -> np.ndarray:
    """(h, w, 48) blocks to (h, w, 13): cell and nucleus of the four quarters, core, reach."""
    given = iter(parameters)

    def convolved(level: np.ndarray, gap: int = 1) -> np.ndarray:
        return level + _convolution(level, next(given), next(given), gap)

    level = convolved(np.maximum(level @ next(given)[0, 0] + next(given), 0))
    kernel = next(given).reshape(4 * FINE, COARSE)
    wide = np.maximum(_folded(level, 2) @ kernel + next(given), 0)
    for dilation in DILATIONS:
        wide = convolved(wide, dilation)
    kernel = next(given).transpose(3, 0, 1, 2).reshape(COARSE, 4 * FINE)
    level = level + _unfolded(wide @ kernel, FINE) + next(given)
    for _ in range(LAST):
        level = convolved(level)
    return level @ next(given)[0, 0] + next(given)


def _convolution(level: np.ndarray, kernel: np.ndarray, bias: np.ndarray, gap: int) -> np.ndarray:
    """relu of a 3x3 convolution with zero padding and dilation `gap`."""
    height, width, channels = level.shape
    padded = np.zeros((height + 2 * gap, width + 2 * gap, channels), np.float32)
    padded[gap:-gap, gap:-gap] = level
    columns = np.empty((height, width, 9, channels), np.float32)
    for place in range(9):
        y, x = place // 3 * gap, place % 3 * gap
        columns[:, :, place] = padded[y : y + height, x : x + width]
    summed = columns.reshape(height * width, -1) @ kernel.reshape(9 * channels, -1)
    summed += bias
    return np.maximum(summed, 0, out=summed).reshape(height, width, -1)


def _folded(level: np.ndarray, side: int) -> np.ndarray:
    """(h, w, c) to (h / side, w / side, side * side * c): squares become channels."""
    height, width, channels = level.shape
    squares = level.reshape(height // side, side, width // side, side, channels)
    return squares.transpose(0, 2, 1, 3, 4).reshape(height // side, width // side, -1)


def _unfolded(level: np.ndarray, channels: int = 1) -> np.ndarray:
    """(h, w, 4c) to (2h, 2w, c), the other way; (2h, 2w) where c is 1."""
    height, width = level.shape[:2]
    squares = level.reshape(height, width, 2, 2, channels).transpose(0, 2, 1, 3, 4)
    shape = (2 * height, 2 * width, channels)
    return squares.reshape(shape if channels > 1 else shape[:2])


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(values / 2)
