"""The colour of the empty slide, and pictures measured against it.

Stain absorbs light: a pixel's optical density, -ln(value / background), is proportional to the dye
in its way (Beer-Lambert), and free of the lamp's colour and brightness.
"""

import cv2
import numpy as np

BRIGHT = (0.82, 0.97)  # quantiles of the darkest channel between which the empty slide lies
LEAST = 16  # a background darker than this is no measurement
BLACK = 28  # at most, in every channel: padding or the rim of an eyepiece, no stain is that dark
FLAT = 4  # steps that a drawn frame may vary by after JPEG


def frame(rgb: np.ndarray) -> np.ndarray | None:
    """(H, W) bool, True where the picture is no photograph: black that reaches the rim, and flat
    bands along it. None where there is none of either, as in most pictures."""
    rim = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    outside = np.zeros(rgb.shape[:2], np.uint8)
    if (rim.max(1) <= BLACK).any():
        dark = (rgb.max(2) <= BLACK).astype(np.uint8)
        _, areas = cv2.connectedComponents(dark, connectivity=4)
        reached = np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]])
        outside |= np.isin(areas, np.setdiff1d(reached, [0])).astype(np.uint8)
    for turned, mark in ((rgb, outside), (rgb.transpose(1, 0, 2), outside.T)):
        for lines, marks in ((turned, mark), (turned[::-1], mark[::-1])):
            marks[: _flat_lines(lines)] = 1
    if not outside.any():
        return None
    # One pixel more: where frame and photograph meet, a reduced or compressed picture mixes them.
    return cv2.dilate(outside, np.ones((3, 3), np.uint8)) > 0


def _flat_lines(rgb: np.ndarray) -> int:
    """How many lines from the first on are all of one colour, that of the first pixel."""
    colour = rgb[0, 0].astype(np.int16)
    for number, line in enumerate(rgb):
        if np.abs(line - colour).max() > FLAT:
            return number
    return len(rgb)


def background(rgb: np.ndarray, outside: np.ndarray | None = None) -> np.ndarray:
    """(3,) float32, the colour of the empty slide: the median of the bright, unstained pixels.

    Bright in the darkest channel, since stain takes light from some channel; not the brightest
    of all, which are reflections. `outside` (H, W) bool is left out.
    """
    channels = cv2.split(rgb)
    darkest = cv2.min(cv2.min(channels[0], channels[1]), channels[2])
    inside = None if outside is None or outside.all() else (~outside).astype(np.uint8)
    share = _counts(darkest, inside)
    low, high = np.searchsorted(share, np.array(BRIGHT) * share[-1])
    bright = cv2.inRange(darkest, int(low), int(high))
    if inside is not None:
        bright *= inside
    medians = [
        np.searchsorted(counts, counts[-1] / 2)
        for counts in (_counts(channel, bright) for channel in channels)
    ]
    return np.maximum(medians, LEAST).astype(np.float32)


def _counts(values: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """(256,) how many pixels of uint8 `values` have at most this value, where `mask` is not 0."""
    return cv2.calcHist([values], [0], mask, [256], [0, 256]).ravel().astype(np.int64).cumsum()


def optical_density(rgb: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 optical density of an RGB uint8 picture against the background `empty`."""
    values = np.arange(256, dtype=np.float32)[:, np.newaxis]
    table = -np.log((values + 1) / (empty + 1))
    return cv2.LUT(rgb, table[np.newaxis].astype(np.float32))


def whitened(rgb: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """The picture divided by its background: as if photographed in white light, uint8 RGB."""
    values = np.arange(256, dtype=np.float32)[:, np.newaxis]
    table = np.clip(np.rint(values * (255 / empty)), 0, 255)
    return cv2.LUT(rgb, table[np.newaxis].astype(np.uint8))
