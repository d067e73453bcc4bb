"""Decodes one picture. Runs only in a child of the zygote, with its limits applied.

This module imports the decoders; nothing that serves a request imports it.
"""

import io
import warnings
from typing import Any

import numpy as np
from PIL import (
    ExifTags,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
)

from patients.images import colour, limits, writing
from patients.images.headers import check_size
from patients.images.packing import Message
from patients.images.png_writing import rgb_png
from patients.images.refusals import ImageRefused

PLUGINS = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin)
_DECODERS = {"JPEG": ["JPEG", "MPO"], "PNG": ["PNG"], "TIFF": ["TIFF"]}

Image.preinit()
Image.MAX_IMAGE_PIXELS = limits.MAX_PIXELS
ImageFile.LOAD_TRUNCATED_IMAGES = False


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def run(head: dict[str, Any], blocks: list[bytes]) -> Message:
    """The zygote's task. `head`: format, and optionally blank = [left, top, right, bottom].

    Answers {"width", "height", "warnings"} with the blocks PNG and thumbnail, or
    {"refused": code, "message": sentence}; never raises except MemoryError.
    """
    try:
        return _rebuild(blocks[0], head["format"], head.get("blank"))
    except ImageRefused as refused:
        return {"refused": refused.code, "message": refused.message}, []
    except MemoryError:
        raise
    except Exception as error:  # a decoder may raise anything at all on hostile bytes
        return _refusal(error), []


def warm_up() -> None:
    """Takes one small picture of each format through everything, so that nothing is left to load
    on first use: the children can open no files."""
    small = Image.effect_noise((96, 96), 40).convert("RGB")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    ImageCms.profileToProfile(small, profile, profile, outputMode="RGB")
    for kind, saving in (
        ("JPEG", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}),
        ("PNG", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ):
        out = io.BytesIO()
        small.save(out, kind, icc_profile=profile.tobytes(), **saving)
        answer, _ = run({"format": kind}, [out.getvalue()])
        if "refused" in answer:
            raise RuntimeError(f"the {kind} decoder does not work: {answer}")


def _refusal(error: Exception) -> dict[str, Any]:
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        code = "pixels"
    elif isinstance(error, OSError) and "truncated" in str(error):
        code = "truncated"
    elif isinstance(error, OSError) and "out of memory" in str(error):
        code = "memory"
    else:
        code = "corrupt"
    return {"refused": code, "message": ImageRefused(code).message}


def _open(data: bytes, expected: str) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=_DECODERS[expected])
    if image.format not in _DECODERS[expected]:
        raise ImageRefused("type")
    check_size(*image.size)
    return image


def _rebuild(data: bytes, expected: str, blank: list[int] | None) -> Message:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        # verify() alone passes cut JPEGs, load() alone passes a PNG without its end.
        _open(data, expected).verify()
        image = _open(data, expected)
        if image.format != "MPO" and getattr(image, "n_frames", 1) != 1:
            raise ImageRefused("frames")
        image.load()
        image = _turned(image)
        image, notes = colour.to_rgb(image)
    check_size(*image.size)
    # From here on there are only pixels: comment, EXIF, XMP, profile and tail stay behind.
    pixels = np.array(image, dtype=np.uint8)
    del image
    if blank is not None:
        left, top, right, bottom = blank
        pixels[top:bottom, left:right] = 255
    if writing.possible_text(pixels):
        notes.append("possible_text")
    if writing.hardly_any_colour(pixels):
        notes.append("no_colour")
    clean = Image.fromarray(pixels)
    height, width = pixels.shape[:2]
    del pixels
    head = {"width": width, "height": height, "warnings": notes}
    return head, [rgb_png(np.asarray(clean)), _thumbnail(clean)]


def _turned(image: Image.Image) -> Image.Image:
    """The picture as the camera's owner saw it. Unreadable EXIF counts as none."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return image
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    if turn is None:
        return image
    profile, transparency = (image.info.get(key) for key in ("icc_profile", "transparency"))
    image = image.transpose(turn)
    kept = {"icc_profile": profile, "transparency": transparency}
    image.info = {key: value for key, value in kept.items() if value is not None}
    return image


def _thumbnail(image: Image.Image) -> bytes:
    scale = limits.THUMBNAIL_SIDE / max(image.size)
    if scale < 1:
        width, height = (max(1, round(length * scale)) for length in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88, subsampling=0)
    return out.getvalue()
