"""Cheap measures of whether there is anything to see in a crop; thresholds are in the manifest."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Quality:
    contrast: float
    """Standard deviation of the grey values, 0-127.5."""
    sharpness: float
    """Standard deviation of the Laplacian over the contrast: independent of exposure."""


def measure(pixels: np.ndarray) -> Quality:
    """Quality of an RGB uint8 crop (about 0.1 ms at 299 pixels).

    The Laplacian is taken of the half-size picture: at full size it mostly measures sensor noise
    and JPEG grain, which a blurred picture can have too.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    half = cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    contrast = float(cv2.meanStdDev(half)[1][0, 0])
    edges = float(cv2.meanStdDev(cv2.Laplacian(half, cv2.CV_16S))[1][0, 0])
    return Quality(contrast, edges / max(contrast, 1.0))
