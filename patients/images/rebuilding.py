"""Turns bytes from outside into the one picture that viewer, model and report use."""

import hashlib
import struct
from dataclasses import dataclass
from typing import Any

from patients.images import headers, jpeg_header, limits, png_header
from patients.images.pool import DecoderPool
from patients.images.refusals import WARNINGS, DecoderUnavailable, ImageRefused

pool = DecoderPool("patients.images.decode:run")

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Rebuilt:
    """One picture, rebuilt from its pixels.

    `png` is 8-bit RGB (width x height pixels, upright, sRGB, no metadata); the same input gives
    the same bytes. `sha256` is the hexadecimal digest of `png`, `original_sha256` that of the
    bytes that came in. `thumbnail` is a JPEG of at most 192 pixels. `original_format` is JPEG, PNG
    or TIFF. `warnings` are keys of `refusals.WARNINGS`, sorted.
    """

    png: bytes
    sha256: str
    width: int
    height: int
    thumbnail: bytes
    original_sha256: str
    original_format: str
    warnings: tuple[str, ...]


def rebuild(data: bytes, *, filename: str | None = None) -> Rebuilt:
    """Checks `data` and rebuilds it. `filename` is accepted for the log of callers and never asked:
    the type is decided by content.

    Raises ImageRefused whatever is wrong with the bytes, and DecoderUnavailable (worth a retry)
    where this machine could not look at them.
    """
    del filename
    return _rebuild(data, None)


def blank_area(png: bytes, box: Box) -> Rebuilt:
    """The picture with a rectangle painted white. `box` is (left, top, right, bottom) in pixels,
    right and bottom not included; what lies outside the picture is cut off.

    Raises like `rebuild`, and ImageRefused("box") where nothing of the box is inside.
    """
    header = _inspect(png)
    try:
        left, top, right, bottom = (int(value) for value in box)
    except (TypeError, ValueError, OverflowError) as error:
        raise ImageRefused("box") from error
    left, top = max(0, left), max(0, top)
    right, bottom = min(header.width, right), min(header.height, bottom)
    if left >= right or top >= bottom:
        raise ImageRefused("box")
    return _rebuild(png, [left, top, right, bottom])


def _inspect(data: bytes) -> headers.Header:
    try:
        return headers.inspect(data)
    except ImageRefused:
        raise
    except Exception as error:
        raise ImageRefused("corrupt") from error


def _rebuild(data: bytes, blank: list[int] | None) -> Rebuilt:
    header = _inspect(data)
    request: dict[str, Any] = {"format": header.format, "blank": blank}
    try:
        answer, blocks = pool.run(request, [data])
        if "refused" in answer:
            raise ImageRefused(str(answer["refused"]), str(answer["message"]))
        width, height, png, thumbnail = _checked(answer, blocks)
        noted = {str(note) for note in answer["warnings"]} & set(WARNINGS)
    except (ImageRefused, DecoderUnavailable):
        raise
    except Exception as error:  # the answer of a child that was taken over can be anything
        raise ImageRefused("corrupt") from error
    return Rebuilt(
        png=png,
        sha256=hashlib.sha256(png).hexdigest(),
        width=width,
        height=height,
        thumbnail=thumbnail,
        original_sha256=hashlib.sha256(data).hexdigest(),
        original_format=header.format,
        warnings=tuple(sorted(noted | set(header.warnings))),
    )


def _checked(answer: dict[str, Any], blocks: list[bytes]) -> tuple[int, int, bytes, bytes]:
    """The child's answer is not believed: both pictures must be what they are said to be, and hold
    nothing else."""
    png, thumbnail = blocks
    width, height = int(answer["width"]), int(answer["height"])
    end = 0
    for index, (kind, body, behind) in enumerate(png_header.chunks(png)):
        end = behind
        if kind not in (b"IHDR", b"IDAT", b"IEND"):
            raise ImageRefused("corrupt")
        if index == 0 and bytes(body) != struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0):
            raise ImageRefused("corrupt")
    small = jpeg_header.inspect(thumbnail, least=1)
    if end != len(png) or small.warnings:
        raise ImageRefused("corrupt")
    if max(small.width, small.height) > limits.THUMBNAIL_SIDE:
        raise ImageRefused("corrupt")
    return width, height, png, thumbnail
