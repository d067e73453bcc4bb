"""Opens the product's own normalised PNG (``patients.images.png_writing``) in about half the time.

The file is one of ours when it has exactly one form: 8-bit RGB, not interlaced, one run of
compressed data, every row stored as its difference from the row above. Anything else is for the
general decoder, so the answer is the same picture either way.
"""

import struct
import zlib

import numpy as np
from isal import isal_zlib

_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_FORM = bytes([8, 2, 0, 0, 0])  # bits, RGB, deflate, the five row filters, not interlaced
_UP = 2
_DATA_AT = 41  # signature, header chunk, length and name of the data chunk
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def open_own(data: bytes) -> np.ndarray | None:
    """(height, width, 3) uint8 RGB, or None when the file is not in our own form."""
    if not data.startswith(_START) or data[24:29] != _FORM or data[37:41] != b"IDAT":
        return None
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33], "big"):
        return None
    width, height = struct.unpack_from(">II", data, 16)
    (length,) = struct.unpack_from(">I", data, 33)
    if data[_DATA_AT + length + 4 :] != _END:
        return None
    size = height * (1 + 3 * width)
    reader = isal_zlib.decompressobj()
    try:  # never more than was announced, whatever the data would grow to
        rows = reader.decompress(memoryview(data)[_DATA_AT : _DATA_AT + length], max_length=size)
    except isal_zlib.error:  # type: ignore[misc]  # its stub says instance, it is the class
        return None
    if len(rows) != size or not reader.eof:
        return None
    table = np.frombuffer(rows, np.uint8).reshape(height, 1 + 3 * width)
    if not (table[:, 0] == _UP).all():
        return None
    pixels = np.empty((height, 3 * width), np.uint8)
    above = np.uint8(0)
    # Four times as fast as one accumulate over the columns, twice as fast as counting the rows.
    for here, difference in zip(pixels, table[:, 1:], strict=True):
        above = np.add(above, difference, here)
    return pixels.reshape(height, width, 3)
