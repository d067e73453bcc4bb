"""Pictures that no one should classify: made here, so that abstention can be measured.

`far(...)` draws things that are no blood at all; `spoil(...)` ruins the picture of a real cell.
The in-distribution statistics see none of them: they choose no threshold, they only judge it.
"""

from collections.abc import Callable

import cv2
import numpy as np

SIDE = 360  # like the training pictures


def _noise(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def _smooth_noise(rng: np.random.Generator) -> np.ndarray:
    coarse = rng.integers(0, 256, (rng.integers(3, 40),) * 2 + (3,), dtype=np.uint8)
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def _blank(rng: np.random.Generator) -> np.ndarray:
    colour = rng.choice([0, 255]) if rng.random() < 0.5 else rng.integers(0, 256, 3)
    return np.full((SIDE, SIDE, 3), colour, np.uint8)


def _empty_field(rng: np.random.Generator) -> np.ndarray:
    """Plain background of a slide, a little uneven, with sensor noise."""
    base = np.array([238, 225, 220]) + rng.normal(0, 6, 3)
    shade = np.linspace(-4, 4, SIDE)[:, np.newaxis, np.newaxis]
    picture = base + shade + rng.normal(0, 2, (SIDE, SIDE, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def _gradient(rng: np.random.Generator) -> np.ndarray:
    ends = rng.integers(0, 256, (2, 3))
    ramp = np.linspace(0, 1, SIDE)[:, np.newaxis, np.newaxis]
    picture = ends[0] * (1 - ramp) + ends[1] * ramp
    return np.rot90(np.broadcast_to(picture, (SIDE, SIDE, 3)), rng.integers(4)).astype(np.uint8)


def _stripes(rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    angle, period = rng.uniform(0, np.pi), rng.uniform(4, 60)
    wave = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) * 2 * np.pi / period)
    return ((wave[:, :, np.newaxis] * rng.uniform(0.3, 1, 3) + 1) * 127).astype(np.uint8)


def _checkers(rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE] // rng.integers(6, 60)
    colours = rng.integers(0, 256, (2, 3), dtype=np.uint8)
    return colours[(rows + columns) % 2]


def _text(rng: np.random.Generator) -> np.ndarray:
    picture = np.full((SIDE, SIDE, 3), rng.integers(235, 256), np.uint8)
    letters = list("abcdefghijklmnopqrstuvwxyz ABCDEFG0123456789.,")
    size = rng.uniform(0.35, 0.9)
    for y in range(20, SIDE, int(34 * size) + 6):
        line = "".join(rng.choice(letters, 60))
        ink = int(rng.integers(0, 60))
        cv2.putText(picture, line, (8, y), cv2.FONT_HERSHEY_SIMPLEX, size, (ink,) * 3, 1, 16)
    return picture


def _shapes(rng: np.random.Generator) -> np.ndarray:
    """Flat coloured discs and boxes: a test chart."""
    picture = np.full((SIDE, SIDE, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(int(rng.integers(4, 20))):
        x, y = (int(v) for v in rng.integers(0, SIDE, 2))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        if rng.random() < 0.5:
            cv2.circle(picture, (x, y), int(rng.integers(8, 70)), colour, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(picture, (x, y), (x + int(rng.integers(8, 120)), y + 40), colour, -1)
    return picture


def _photograph(rng: np.random.Generator) -> np.ndarray:
    """A random part of an ordinary photograph (a temple, a flower)."""
    from sklearn.datasets import load_sample_image

    photo = load_sample_image(str(rng.choice(["china.jpg", "flower.jpg"])))
    side = int(rng.integers(200, 420))
    y, x = (int(rng.integers(0, limit - side)) for limit in photo.shape[:2])
    part = np.ascontiguousarray(photo[y : y + side, x : x + side])
    return cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


FAR: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "noise": _noise,
    "smooth noise": _smooth_noise,
    "blank": _blank,
    "empty field": _empty_field,
    "gradient": _gradient,
    "stripes": _stripes,
    "checkers": _checkers,
    "text": _text,
    "shapes": _shapes,
    "photograph": _photograph,
}


def far(count: int, seed: int) -> list[tuple[str, np.ndarray]]:
    """`count` pictures of each kind in FAR: (kind, (360, 360, 3) uint8 RGB)."""
    rng = np.random.default_rng(seed)
    return [(kind, draw(rng)) for kind, draw in FAR.items() for _ in range(count)]


def _jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, data = cv2.imencode(".jpg", rgb[:, :, ::-1], options)
    return cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)


def _smear(rgb: np.ndarray, length: int) -> np.ndarray:
    """Motion blur along a line, as of a stage that moved."""
    return cv2.blur(rgb, (length, max(1, length // 12)))


def _away(rgb: np.ndarray, times: int) -> np.ndarray:
    """The picture as a lens of `times` lower power would show it, its surroundings mirrored."""
    height, width = rgb.shape[:2]
    small = cv2.resize(rgb, (width // times, height // times), interpolation=cv2.INTER_AREA)
    rim_y, rim_x = (height - height // times) // 2, (width - width // times) // 2
    return cv2.copyMakeBorder(small, rim_y, rim_y, rim_x, rim_x, cv2.BORDER_REFLECT)


def _near(rgb: np.ndarray, times: int) -> np.ndarray:
    """The middle of the picture as a lens of `times` higher power would show it."""
    height, width = rgb.shape[:2]
    y, x = (height - height // times) // 2, (width - width // times) // 2
    part = np.ascontiguousarray(rgb[y : y + height // times, x : x + width // times])
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)


def _expose(rgb: np.ndarray, gain: float) -> np.ndarray:
    return np.clip(rgb.astype(np.float32) * gain, 0, 255).astype(np.uint8)


SPOILED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "JPEG quality 1": lambda rgb: _jpeg(rgb, 1),
    "blur, sigma 8": lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 8),
    "smeared over 61 pixels": lambda rgb: _smear(rgb, 61),
    "4 times lower magnification": lambda rgb: _away(rgb, 4),
    "4 times higher magnification": lambda rgb: _near(rgb, 4),
    "exposed a sixth": lambda rgb: _expose(rgb, 1 / 6),
    "exposed 2.5 times": lambda rgb: _expose(rgb, 2.5),
}
