"""Drawing a class-activation map over its picture."""

import cv2
import numpy as np

from classifier.inference.manifest import CAM_SIZE
from classifier.inference.preprocess import Box

STRONGEST = 170  # opacity of 255 where the evidence is strongest: the cell stays visible below it
FAINTEST = 0.35  # of the range: weaker evidence is left clear


def overlay_rgba(
    cam: bytes, *, box: Box, width: int, height: int, longest: int = 512
) -> np.ndarray:
    """(h, w, 4) uint8 RGBA to lay over a width x height picture, `longest` pixels at most.

    `cam` is CellResult.cam, `box` CellResult.box. Outside of the box everything is clear. Colour
    (inferno: readable with any colour vision) and opacity both grow with the evidence.
    """
    if len(cam) != CAM_SIZE * CAM_SIZE:
        raise ValueError(f"a map has {CAM_SIZE * CAM_SIZE} bytes, not {len(cam)}")
    ratio = min(1.0, longest / max(width, height))
    canvas = np.zeros((max(1, round(height * ratio)), max(1, round(width * ratio)), 4), np.uint8)
    left, top = round(box.x * ratio), round(box.y * ratio)
    right, bottom = round((box.x + box.width) * ratio), round((box.y + box.height) * ratio)
    size = (max(1, right - left), max(1, bottom - top))
    grid = np.frombuffer(cam, np.uint8).reshape(CAM_SIZE, CAM_SIZE).astype(np.float32) / 255
    smooth = np.clip(cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    strength = np.clip((smooth - FAINTEST) / (1 - FAINTEST), 0, 1)
    colours = cv2.applyColorMap((smooth * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    painted = np.dstack([colours[:, :, ::-1], (strength * STRONGEST).astype(np.uint8)])
    # A box that sticks out of the picture (a crop near the rim) is cut at the rim.
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + size[1], canvas.shape[0]), min(left + size[0], canvas.shape[1])
    canvas[y0:y1, x0:x1] = painted[y0 - top : y1 - top, x0 - left : x1 - left]
    return canvas


def overlay_png(cam: bytes, *, box: Box, width: int, height: int, longest: int = 512) -> bytes:
    """`overlay_rgba` as PNG bytes."""
    rgba = overlay_rgba(cam, box=box, width=width, height=height, longest=longest)
    done, png = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    if not done:
        raise RuntimeError("the overlay could not be encoded as PNG")
    return png.tobytes()
