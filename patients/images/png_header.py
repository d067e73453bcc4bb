"""PNG: walk over every chunk (PNG specification, third edition, chapters 5 and 11)."""

import struct
import zlib
from collections.abc import Iterator

from patients.images import limits
from patients.images.headers import Header, check_size
from patients.images.refusals import ImageRefused

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6


def chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, int]]:
    """Yields (type, body, position behind it) up to and with IEND; refuses what is not whole."""
    view = memoryview(data)
    position = len(SIGNATURE)
    for _ in range(limits.MAX_PNG_CHUNKS):
        if position + 12 > len(data):
            raise ImageRefused("truncated")
        (length,) = struct.unpack_from(">I", data, position)
        kind = bytes(view[position + 4 : position + 8])
        if not kind.isalpha() or not kind.isascii() or length > 0x7FFFFFFF:
            raise ImageRefused("corrupt")
        end = position + 12 + length
        if position == len(SIGNATURE):
            # The size first: a picture of 12000 x 12000 is refused before anything else is read.
            _check_header(kind, bytes(view[position + 8 : position + 8 + min(length, 13)]))
        if end > len(data):
            raise ImageRefused("truncated")
        (stated,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(view[position + 4 : end - 4]) != stated:
            raise ImageRefused("corrupt")
        yield kind, view[position + 8 : end - 4], end
        if kind == b"IEND":
            return
        position = end
    raise ImageRefused("metadata")


def _check_header(kind: bytes, body: bytes) -> None:
    if kind != b"IHDR":
        raise ImageRefused("corrupt")
    if len(body) < 13:
        raise ImageRefused("truncated")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(
        ">IIBBBBB", body
    )
    check_size(width, height)
    if compression or filtering or interlace > 1 or depth not in (1, 2, 4, 8, 16):
        raise ImageRefused("corrupt")
    if depth == 16:
        raise ImageRefused("bit_depth")
    if colour in (_GREY, _GREY_ALPHA):
        raise ImageRefused("colour")
    if colour not in (_RGB, _PALETTE, _RGBA) or (colour != _PALETTE and depth != 8):
        raise ImageRefused("corrupt")


def inspect(data: bytes) -> Header:
    """Checks order, checksums, sizes and compressed side data. Raises ImageRefused."""
    width = height = colour = ancillary = 0
    inflated = 0
    seen: set[bytes] = set()
    last, end = b"", 0
    for index, (kind, body, behind) in enumerate(chunks(data)):
        end = behind
        if index == 0:
            width, height, _, colour = struct.unpack_from(">IIBB", body)
        elif kind == b"IHDR" or (kind == b"PLTE" and kind in seen):
            raise ImageRefused("corrupt")
        if kind == b"acTL":
            raise ImageRefused("frames")
        if kind == b"IDAT" and b"IDAT" in seen and last != b"IDAT":
            raise ImageRefused("corrupt")  # image data in two places
        if not kind[0] & 0x20 and kind not in _CRITICAL:
            raise ImageRefused("corrupt")  # an unknown chunk that a reader must understand
        if kind not in _CRITICAL:
            ancillary += 1
            inflated += _inflated_length(kind, body, limits.MAX_INFLATED_METADATA - inflated)
            if ancillary > limits.MAX_PNG_ANCILLARY_CHUNKS:
                raise ImageRefused("metadata")
        seen.add(kind)
        last = kind
    if b"IDAT" not in seen or (colour == _PALETTE and b"PLTE" not in seen):
        raise ImageRefused("corrupt")
    appended = ("appended_data",) if end < len(data) else ()
    return Header("PNG", width, height, appended)


def _inflated_length(kind: bytes, body: memoryview, allowed: int) -> int:
    """Bytes that compressed text or a colour profile unpack to; refuses more than `allowed`."""
    if kind not in (b"zTXt", b"iTXt", b"iCCP"):
        return 0
    raw = bytes(body)
    start = raw.find(b"\0") + 1
    if start == 0:
        return 0
    if kind == b"iTXt":
        if raw[start : start + 1] != b"\x01":
            return 0
        # flag, method, then two strings ended by NUL
        start = raw.find(b"\0", raw.find(b"\0", start + 2) + 1) + 1
    else:
        start += 1
    try:
        length = len(zlib.decompressobj().decompress(raw[start:], allowed + 1))
    except zlib.error:
        return 0  # damaged side data is dropped with all other side data
    if length > allowed:
        raise ImageRefused("metadata")
    return length
