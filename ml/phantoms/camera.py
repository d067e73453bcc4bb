"""From optical density to the picture a camera on a microscope would give."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.phantoms.parameters import Illumination, Optics, Stain
from ml.phantoms.shapes import Plane, noise


def _light(rng: np.random.Generator, shape: tuple[int, int], light: Illumination) -> Plane:
    """Brightness of the empty field (H, W), 1 in the middle."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    tilt = light.tilt * (x * np.cos(angle) + y * np.sin(angle)) / 2
    return (1 - light.vignette * (x * x + y * y) / 2 + tilt).astype(np.float32)


def expose(
    rng: np.random.Generator,
    density: NDArray[np.float32],
    stain: Stain,
    light: Illumination,
    optics: Optics,
) -> NDArray[np.uint8]:
    """Picture (H, W, 3), uint8 RGB, of an optical density (H, W, 3).

    Beer-Lambert: transmitted light is the background times 10**-density, plus glare. Blurring
    happens to light, not to density, so it comes after.
    """
    shape = (density.shape[0], density.shape[1])
    through = cv2.exp(np.ascontiguousarray(density) * np.float32(-np.log(10)))
    through = light.glare + (1 - light.glare) * through
    if optics.blur > 0:
        through = cv2.GaussianBlur(through, (0, 0), optics.blur)
    if optics.sharpening > 0:
        # Slide scanners sharpen; the pale halo around dark nuclei comes from it.
        soft = cv2.GaussianBlur(through, (0, 0), 1.3)
        through = np.clip(through + optics.sharpening * (through - soft), 0, 1.05)
    if optics.fringe:
        move = np.array([[1, 0, optics.fringe], [0, 1, 0]], np.float32)
        through[..., 2] = cv2.warpAffine(
            through[..., 2], move, shape[::-1], borderMode=cv2.BORDER_REPLICATE
        )
    white = np.asarray(stain.background) * np.asarray(light.white_balance)
    picture = through * (_light(rng, shape, light)[..., None] * white.astype(np.float32))
    if optics.chroma_softness > 0:
        picture = _soften_colour(picture.astype(np.float32), optics.chroma_softness)
    if optics.noise > 0:
        picture = picture + optics.noise * _grain(rng, shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _grain(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Sensor noise (H, W, 3) of deviation about 1: demosaicing and sharpening spread the noise of
    one pixel over its neighbours, and the three channels share most of it."""
    shared = noise(rng, shape, 1.1)[..., None]
    colours = np.stack([noise(rng, shape, 1.9) for _ in range(3)], axis=-1)
    fine = rng.standard_normal((*shape, 3), dtype=np.float32)
    return np.asarray(0.65 * shared + 0.50 * colours + 0.75 * fine, dtype=np.float32)


def _soften_colour(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur the colour differences and leave the brightness: cameras see colour less sharply."""
    brightness = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    colour = cv2.GaussianBlur(picture - brightness[..., None], (0, 0), sigma)
    return np.asarray(colour + brightness[..., None], dtype=np.float32)
