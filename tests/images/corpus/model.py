"""What a corpus file is, and the base picture that most of them carry."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

CANARY = b"Mustermann^Erika"
CANARIES = (CANARY, b"Mustermann", b"MRN-4711-0815", b"<?php", b"<script", b"PK\x03\x04", b"onload")

Check = Callable[[np.ndarray], None]


@dataclass(frozen=True)
class File:
    """One file. `answer` is "A", "R" or "A or R"; `codes` are the refusal codes that are right;
    `check` looks at the rebuilt pixels (height, width, 3); `warnings` must be among those given.
    """

    row: int
    name: str
    make: Callable[[], bytes] = field(repr=False)
    answer: str = "A"
    codes: tuple[str, ...] = ()
    check: Check | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.row:02d}-{self.name}"


def cell_pixels(width: int = 128, height: int = 96) -> np.ndarray:
    """A violet nucleus on pink, soft edges, (height, width, 3) uint8; left and top are marked by
    shade, so that any turn shows."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(x - width * 0.45, y - height * 0.55)
    nucleus = 1 / (1 + np.exp((distance - height * 0.25) / 3))
    ground = np.stack([225 - 0.2 * x, 180 + 0.3 * y, 205 + 0 * x], -1)
    dye = np.array([90, 40, 140.0])
    picture = ground * (1 - nucleus[..., None]) + dye * nucleus[..., None]
    return picture.clip(0, 255).astype(np.uint8)


def cell(width: int = 128, height: int = 96) -> Image.Image:
    return Image.fromarray(cell_pixels(width, height))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(**options: Any) -> bytes:
    return saved(cell(), "JPEG", **{"quality": 92, **options})


def png(**options: Any) -> bytes:
    return saved(cell(), "PNG", **options)


def tiff(**options: Any) -> bytes:
    return saved(cell(), "TIFF", **options)


def close_to(expected: np.ndarray, within: float) -> Check:
    """A check that the pixels are these, up to a mean difference in grey levels."""

    def check(pixels: np.ndarray) -> None:
        assert pixels.shape == expected.shape
        difference = np.abs(pixels.astype(int) - expected.astype(int)).mean()
        assert difference <= within, f"mean difference {difference:.2f}"

    return check


exactly = close_to(cell_pixels(), 0)
nearly = close_to(cell_pixels(), 2.5)
