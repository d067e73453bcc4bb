"""TIFF: walk over the one directory a picture may have (TIFF revision 6.0, sections 2 to 8, 15)."""

import struct

from patients.images import limits
from patients.images.headers import Header, check_size
from patients.images.refusals import ImageRefused

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_INTEGER = {1: "B", 3: "H", 4: "I", 13: "I"}

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, STRIP_COUNTS = 273, 277, 279
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, SAMPLE_FORMAT = 322, 323, 324, 325, 339

# none, LZW, JPEG, two names of deflate, PackBits: what microscopes write and libtiff reads well.
_COMPRESSIONS = {1, 5, 7, 8, 32946, 32773}
_GREY, _RGB, _PALETTE, _CMYK, _YCBCR = {0, 1}, 2, 3, 5, 6
_SAMPLES = {_RGB: range(3, 6), _PALETTE: range(1, 2), _CMYK: range(4, 6), _YCBCR: range(3, 4)}


def inspect(data: bytes) -> Header:
    """Checks directory, sample layout and where the pixel data lies. Raises ImageRefused."""
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in (b"+\0", b"\0+"):
        raise ImageRefused(
            "type", "This is a BigTIFF file; please export the picture as JPEG, PNG or plain TIFF."
        )
    if len(data) < 8:
        raise ImageRefused("truncated")
    (start,) = struct.unpack_from(order + "I", data, 4)
    tags, following = _directory(data, order, start)
    if following == start:
        raise ImageRefused("corrupt")
    if following:
        raise ImageRefused("frames")
    width, height = _one(tags, WIDTH), _one(tags, HEIGHT)
    check_size(width, height)
    _check_samples(tags)
    _check_places(data, tags, width, height)
    return Header("TIFF", width, height)


def _directory(data: bytes, order: str, start: int) -> tuple[dict[int, tuple[int, ...]], int]:
    """Integer values of the tags needed here, and the offset of the next directory."""
    if start < 8:
        raise ImageRefused("corrupt")
    if start + 2 > len(data):
        raise ImageRefused("truncated")
    (count,) = struct.unpack_from(order + "H", data, start)
    if not 0 < count <= limits.MAX_TIFF_ENTRIES:
        raise ImageRefused("corrupt")
    end = start + 2 + 12 * count
    if end + 4 > len(data):
        raise ImageRefused("truncated")
    tags: dict[int, tuple[int, ...]] = {}
    for position in range(start + 2, end, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, position)
        length = _TYPE_BYTES.get(kind, 1) * number
        place = position + 8
        if length > 4:
            (place,) = struct.unpack_from(order + "I", data, place)
            if length > len(data):
                raise ImageRefused("corrupt")
            if place + length > len(data):
                raise ImageRefused("truncated")
        if kind in _INTEGER and number <= limits.MAX_TIFF_STRIPS:
            tags[tag] = struct.unpack_from(f"{order}{number}{_INTEGER[kind]}", data, place)
        elif tag in (STRIP_OFFSETS, STRIP_COUNTS, TILE_OFFSETS, TILE_COUNTS):
            raise ImageRefused("corrupt")
    (following,) = struct.unpack_from(order + "I", data, end)
    return tags, following


def _one(tags: dict[int, tuple[int, ...]], tag: int, default: int | None = None) -> int:
    values = tags.get(tag) or (() if default is None else (default,))
    if not values:
        raise ImageRefused("corrupt")
    return values[0]


def _check_samples(tags: dict[int, tuple[int, ...]]) -> None:
    photometric = _one(tags, PHOTOMETRIC)
    bits = set(tags.get(BITS) or (1,))
    if set(tags.get(SAMPLE_FORMAT) or (1,)) != {1}:
        raise ImageRefused("bit_depth")
    if photometric in _GREY:
        raise ImageRefused("colour" if max(bits) <= 8 else "bit_depth")
    if photometric == _PALETTE:
        if not bits <= {1, 2, 4, 8}:
            raise ImageRefused("bit_depth")
    elif bits != {8}:
        raise ImageRefused("bit_depth")
    if photometric not in _SAMPLES:
        raise ImageRefused(
            "colour",
            "The picture uses a colour space that is not taken; please export it as RGB.",
        )
    if _one(tags, SAMPLES, 1) not in _SAMPLES[photometric]:
        raise ImageRefused("corrupt")
    if _one(tags, COMPRESSION, 1) not in _COMPRESSIONS:
        raise ImageRefused(
            "type",
            "This TIFF is compressed in a way that is not taken; please export it as PNG or JPEG.",
        )


def _check_places(data: bytes, tags: dict[int, tuple[int, ...]], width: int, height: int) -> None:
    """Every strip or tile must lie inside the file, and a tile may not be absurdly large."""
    tiled = TILE_OFFSETS in tags
    offsets = tags.get(TILE_OFFSETS if tiled else STRIP_OFFSETS)
    counts = tags.get(TILE_COUNTS if tiled else STRIP_COUNTS)
    if not offsets or not counts or len(offsets) != len(counts):
        raise ImageRefused("corrupt")
    if tiled:
        tile = _one(tags, TILE_WIDTH), _one(tags, TILE_HEIGHT)
        if min(tile) <= 0 or tile[0] > 2 * width + 4096 or tile[1] > 2 * height + 4096:
            raise ImageRefused("corrupt")
    for offset, length in zip(offsets, counts, strict=True):
        if offset < 8 or length == 0:
            raise ImageRefused("corrupt")
        if offset + length > len(data):
            raise ImageRefused("truncated")
