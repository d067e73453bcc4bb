"""JPEG: walk over the markers to the end of the picture (ITU-T T.81, annex B)."""

import re
import struct

from patients.images import limits
from patients.images.headers import Header, check_size
from patients.images.refusals import ImageRefused

_SOI, _EOI, _SOS, _APP2 = 0xD8, 0xD9, 0xDA, 0xE2
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DECODABLE = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive; all Huffman coded
_BETWEEN_SCANS = {0xC4, 0xDB, 0xDD, _SOS, 0xFE} | set(range(0xE0, 0xF0))
# In coded data FF is followed by 00 (a literal FF), by a restart marker or by another FF (fill).
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)


def inspect(data: bytes, *, least: int = limits.MIN_SIDE) -> Header:
    """Finds size, depth and components, and the end-of-image marker. Raises ImageRefused.

    `least` is the smallest side taken, in pixels (our own thumbnails can be thinner).
    """
    position, scans = 2, 0
    size: tuple[int, int] | None = None
    several_pictures = False
    for _ in range(limits.MAX_JPEG_SEGMENTS):
        marker, position = _marker(data, position)
        if marker == _EOI:
            if size is None or not scans:
                raise ImageRefused("corrupt")
            return Header("JPEG", *size, _warnings(data, position, several_pictures))
        if scans and marker not in _BETWEEN_SCANS:
            raise ImageRefused("corrupt")
        body, position = _segment(data, position)
        if marker in _FRAME_MARKERS:
            if size is not None:
                raise ImageRefused("corrupt")
            size = _frame(marker, body, least)
        elif marker == _APP2 and body[:4] == b"MPF\0":
            several_pictures = True
        elif marker == _SOS:
            scans += 1
            if size is None or scans > limits.MAX_JPEG_SCANS:
                raise ImageRefused("corrupt")
            found = _NEXT_MARKER.search(data, position)
            if found is None:
                raise ImageRefused("truncated")
            position = found.start()
    raise ImageRefused("metadata")


def _marker(data: bytes, position: int) -> tuple[int, int]:
    """The marker code at `position` (fill bytes skipped) and the position behind it."""
    start = position
    while position < len(data) and data[position] == 0xFF:
        position += 1
    if position >= len(data):
        raise ImageRefused("truncated")
    if position == start or not 0xC0 <= data[position] <= 0xFE or 0xD0 <= data[position] <= _SOI:
        raise ImageRefused("corrupt")
    return data[position], position + 1


def _segment(data: bytes, position: int) -> tuple[memoryview, int]:
    if position + 2 > len(data):
        raise ImageRefused("truncated")
    (length,) = struct.unpack_from(">H", data, position)
    if length < 2:
        raise ImageRefused("corrupt")
    if position + length > len(data):
        raise ImageRefused("truncated")
    return memoryview(data)[position + 2 : position + length], position + length


def _frame(marker: int, body: memoryview, least: int) -> tuple[int, int]:
    if len(body) < 6:
        raise ImageRefused("corrupt")
    depth, height, width, components = struct.unpack_from(">BHHB", body)
    check_size(width, height, least)
    if depth != 8:
        raise ImageRefused("bit_depth")
    if marker not in _DECODABLE:
        raise ImageRefused(
            "type", "This is a rare kind of JPEG; please export it again as an ordinary JPEG."
        )
    if components == 1:
        raise ImageRefused("colour")
    if components not in (3, 4) or len(body) != 6 + 3 * components:
        raise ImageRefused("corrupt")
    return width, height


def _warnings(data: bytes, end: int, several_pictures: bool) -> tuple[str, ...]:
    if several_pictures:
        return ("extra_frames",)
    # Cameras pad with zeros; only something is worth a word.
    return ("appended_data",) if data[end:].strip(b"\0") else ()
