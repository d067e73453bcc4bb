"""Small pictures for tests: each number its own picture, the same every time."""

import io

import numpy as np
from PIL import Image


def pixels(number: int) -> np.ndarray:
    """96 x 96 RGB: a coloured gradient with a disc, different for every number."""
    rows, columns = np.mgrid[0:96, 0:96]
    ground = np.stack([rows + 100, columns + 90, 190 - rows], axis=-1).astype(np.uint8)
    disc = (rows - 48) ** 2 + (columns - 48) ** 2 < 300 + number % 500
    ground[disc] = (90, (40 + 7 * number) % 200, (120 + number // 7) % 250)
    return ground


def png(number: int = 1) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels(number)).save(out, "PNG")
    return out.getvalue()


def jpeg(number: int = 1) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels(number)).save(out, "JPEG", quality=92)
    return out.getvalue()
