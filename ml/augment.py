"""Other views of a training cell: turned, mirrored, a little nearer, stained a little differently."""

import cv2
import numpy as np


def augment(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One random view of an RGB uint8 picture, of the same size (give or take a quarter turn).

    Stain is varied where it acts, in optical density: dye taken up is a gain on each channel's
    density (Beer-Lambert), a change of lamp or white balance an offset.
    """
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D(
        (width / 2, height / 2), rng.uniform(-15, 15), rng.uniform(0.92, 1.12)
    )
    view = cv2.warpAffine(
        rgb, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    view = np.rot90(view, rng.integers(4))
    if rng.random() < 0.5:
        view = view[:, ::-1]
    # A uint8 picture has 256 values a channel, so the whole stain change is three look-up tables.
    density = -np.log((np.arange(256) + 1) / 256)
    gains = rng.normal(1, 0.08, 3) * np.exp(rng.normal(0, 0.08))
    offsets = rng.normal(0, 0.02, 3)
    stained = np.exp(-(density[:, np.newaxis] * gains + offsets)) * 256 - 1
    table = np.clip(np.rint(stained), 0, 255).astype(np.uint8)[np.newaxis]
    view = cv2.LUT(np.ascontiguousarray(view), table)
    if rng.random() < 0.25:
        view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.3, 0.9))
    return view
