"""Random views of a cell as other laboratories would show it: geometry, stain, camera, damage.

A patch is `ml.patches.SIDE` pixels a side, `ml.patches.DIAMETERS` cell diameters wide, and its
background is white. Stain is varied where it acts, in optical density: dye taken up is a gain on
each channel's density (Beer-Lambert); what one dye also absorbs elsewhere is cross-talk.
Everything runs in OpenCV, which lets other threads work, and a seed decides everything.
"""

import cv2
import numpy as np

from classifier.inference.preprocess import decode
from ml.patches import DIAMETERS

SCALES = (1.15, 1.95)  # cell diameters that a view is wide; serving shows 1.4
MILD_SCALES = (1.25, 1.6)
SHIFT = 0.08  # of a view's width
GAINS = 0.22  # spread of the logarithm of each channel's density gain
CROSS_TALK = 0.07
CONTRAST = (0.3, 1.4)  # on all densities
STAIN_SHARE, GREY_SHARE, BLUR_SHARE, COARSE_SHARE = 0.5, 0.08, 0.3, 0.3
NOISE_SHARE, JPEG_SHARE, BLANK_SHARE = 0.4, 0.3, 0.12

DENSITY = (-np.log((np.arange(256, dtype=np.float32) + 1) / 256))[np.newaxis]
# What a nucleus has more of than cytoplasm and red cells: red absorbed, more green than blue.
NUCLEAR = np.array([[1.0, 0.5, -0.5]], np.float32)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_NOISE = np.random.default_rng(0).normal(0, 1, (640, 640, 3)).astype(np.float32)


def view(
    patch: np.ndarray, rng: np.random.Generator, *, size: int, stains: np.ndarray | None = None
) -> np.ndarray:
    """(size, size, 3) uint8 RGB. `stains` (M, 3): nuclear densities to dye some nuclei with."""
    density = cv2.LUT(geometry(patch, rng, size), DENSITY)
    if stains is not None and rng.random() < STAIN_SHARE:
        density = dye(density, stains[rng.integers(len(stains))], rng.uniform(0.3, 1.0))
    density = np.maximum(cv2.transform(density, _stain(rng)), 0)
    light = cv2.exp(-density)
    light = cv2.transform(light, _camera(rng))
    light = np.clip(light, 0, 1)
    light = cv2.pow(light, float(np.exp(rng.normal(0, 0.15))))
    return _damage(light, rng)


def mild_view(patch: np.ndarray, rng: np.random.Generator, *, size: int) -> np.ndarray:
    """Another look at the same cell under the same microscope: turned, mirrored, a little nearer."""
    return geometry(patch, rng, size, scales=MILD_SCALES)


def geometry(
    patch: np.ndarray,
    rng: np.random.Generator,
    size: int,
    scales: tuple[float, float] = SCALES,
) -> np.ndarray:
    """Turned by any angle, mirrored, nearer or further, off centre; white beyond the rim."""
    side = patch.shape[0]
    scale = size * DIAMETERS / (side * rng.uniform(*scales))
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), rng.uniform(0, 360), scale)
    turn[:, 2] += size / 2 - side / 2 + rng.uniform(-SHIFT, SHIFT, 2) * size
    if rng.random() < 0.5:
        turn[0] *= -1
        turn[0, 2] += size
    how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    white = (255, 255, 255)
    return cv2.warpAffine(patch, turn, (size, size), flags=how, borderValue=white)


def nucleus(density: np.ndarray) -> np.ndarray:
    """Soft mask (height, width) float32, 0 to 1, of the densest stain of a cell's picture."""
    amount = cv2.transform(density, NUCLEAR)
    coarse = cv2.normalize(amount, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    level, _ = cv2.threshold(coarse, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    soft = (coarse.astype(np.float32) - np.float32(level - 16)) * np.float32(1 / 32)
    return np.clip(soft, 0, 1)


def stain_of(patch: np.ndarray) -> np.ndarray:
    """(3,) float32: mean density of the nucleus in a patch."""
    density = cv2.LUT(patch, DENSITY)
    mask = (nucleus(density) > 0.5).astype(np.uint8)
    return np.array(cv2.mean(density, mask)[:3], np.float32)


def nuclear_stains(patches: np.ndarray) -> np.ndarray:
    """(N, 3) float32, one row a patch."""
    return np.stack([stain_of(patch) for patch in patches])


def dye(density: np.ndarray, target: np.ndarray, amount: float) -> np.ndarray:
    """Bring the nucleus `amount` of the way to the density `target`; the rest stays."""
    mask = nucleus(density)
    own = np.array(cv2.mean(density, (mask > 0.5).astype(np.uint8))[:3], np.float32)
    ratio = np.clip((target + 0.02) / (own + 0.02), 0.4, 2.5)
    more = (amount * (ratio - 1)).astype(np.float32)
    return density * (1 + mask[:, :, np.newaxis] * more)


def _stain(rng: np.random.Generator) -> np.ndarray:
    mixing = np.eye(3) + rng.normal(0, CROSS_TALK, (3, 3))
    gains = np.exp(rng.normal(0, GAINS, 3)) * np.exp(rng.uniform(*np.log(CONTRAST)))
    # The last column is veiling: a little density everywhere, as of dirty glass or a dim lamp.
    return np.column_stack([gains[:, np.newaxis] * mixing, rng.exponential(0.02, 3)]).astype(
        np.float32
    )


def _camera(rng: np.random.Generator) -> np.ndarray:
    """Saturation, hue, white point and a floor of stray light as one (3, 4) matrix."""
    saturation = 0.0 if rng.random() < GREY_SHARE else float(np.exp(rng.normal(0, 0.25)))
    grey = np.broadcast_to(LUMA, (3, 3))
    colour = grey + saturation * (np.eye(3) - grey)
    angle = rng.normal(0, 0.12)
    axis = np.full((3, 3), 1 / 3)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    hue = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * axis
    white = rng.normal(1, 0.05, (3, 1))
    stray = abs(rng.normal(0, 0.03))
    return np.column_stack([white * (hue @ colour) * (1 - stray), np.full(3, stray)]).astype(
        np.float32
    )


def _damage(light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = light.shape[0]
    if rng.random() < BLUR_SHARE:
        light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, size / 110))
    if rng.random() < COARSE_SHARE:
        small = int(size * rng.uniform(0.3, 0.9))
        light = cv2.resize(light, (small, small), interpolation=cv2.INTER_AREA)
        light = cv2.resize(light, (size, size), interpolation=cv2.INTER_LINEAR)
    if rng.random() < NOISE_SHARE:
        y, x = rng.integers(0, len(_NOISE) - size, 2)
        light = light + _NOISE[y : y + size, x : x + size] * np.float32(rng.exponential(0.02))
    pixels = np.clip(light * 255 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < JPEG_SHARE:
        options = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
        pixels = decode(cv2.imencode(".jpg", pixels[:, :, ::-1], options)[1].tobytes())
    if rng.random() < BLANK_SHARE:
        _blank(pixels, rng)
    return np.ascontiguousarray(pixels)


def _blank(pixels: np.ndarray, rng: np.random.Generator) -> None:
    """One side or a corner without picture, as at the rim of a field or behind a frame."""
    size = len(pixels)
    depth = int(rng.uniform(0.03, 0.2) * size)
    colour = rng.choice([0, 255]) if rng.random() < 0.7 else rng.integers(0, 256, 3)
    turned = np.rot90(pixels, int(rng.integers(4)))
    turned[:depth] = colour
