"""PNG rows: cut, damaged, padded, bombs, odd depths."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.images.corpus.model import File, cell, cell_pixels, close_to, exactly, png, saved

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HTML = b"<html><body onload=alert(1)><script>alert(1)</script></body></html>"
MEGABYTE = 1 << 20


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def head(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return SIGNATURE + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    )


def with_chunks(extra: bytes, data: bytes | None = None) -> bytes:
    """`extra` put right behind the header of a good picture."""
    data = png() if data is None else data
    return data[:33] + extra + data[33:]


def deflated_zeros(length: int) -> bytes:
    """A zlib stream of zeros without the zeros ever being in memory at once."""
    packer = zlib.compressobj(9)
    return b"".join(_deflate(packer, length))


def _deflate(packer: "zlib._Compress", length: int) -> Iterator[bytes]:
    block = bytes(MEGABYTE)
    for _ in range(length // MEGABYTE):
        yield packer.compress(block)
    yield packer.compress(bytes(length % MEGABYTE))
    yield packer.flush()


def real_and_huge() -> bytes:
    """12000 x 12000 pixels of one colour, complete and correct, about 420 kB."""
    side = 12_000
    pixels = deflated_zeros(side * (1 + 3 * side))
    return head(side, side) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _bad_checksum() -> bytes:
    data = bytearray(png())
    place = data.index(b"IDAT") + 40
    data[place] ^= 0xFF
    return bytes(data)


def _many_idats() -> bytes:
    # Level 0 makes enough bytes for 10,000 pieces.
    rows = b"".join(b"\0" + row.tobytes() for row in cell_pixels())
    stream = zlib.compress(rows, 0)
    step = -(-len(stream) // 10_000)
    pieces = [stream[at : at + step] for at in range(0, len(stream), step)]
    pieces += [b""] * (10_000 - len(pieces))
    return head(128, 96) + b"".join(chunk(b"IDAT", piece) for piece in pieces) + chunk(b"IEND", b"")


def _sixteen_bit_rgb() -> bytes:
    rows = b"".join(b"\0" + (row.astype(">u2") * 257).tobytes() for row in cell_pixels())
    data = head(128, 96, 16) + chunk(b"IDAT", zlib.compress(rows))
    return data + chunk(b"IEND", b"")


def _transparent() -> bytes:
    image = cell().convert("RGBA")
    image.putalpha(0)
    return saved(image, "PNG")


def _half_transparent() -> bytes:
    image = cell().convert("RGBA")
    image.putalpha(128)
    return saved(image, "PNG")


def _palette() -> bytes:
    return saved(cell().quantize(64), "PNG")


def _palette_pixels() -> np.ndarray:
    return np.asarray(cell().quantize(64).convert("RGB"))


def _animated() -> bytes:
    return saved(cell(), "PNG", save_all=True, append_images=[cell().rotate(180)])


def files() -> list[File]:
    grey = cell().convert("L")
    bomb = deflated_zeros(80 * MEGABYTE)
    white = np.full((96, 128, 3), 255, np.uint8)
    half = (cell_pixels().astype(float) * 128 / 255 + 255 * 127 / 255).round().astype(np.uint8)
    words = b"".join(chunk(b"tEXt", b"Comment\0%d" % index) for index in range(5_000))
    text_bomb = with_chunks(chunk(b"zTXt", b"Comment\0\0" + bomb))
    profile_bomb = with_chunks(chunk(b"iCCP", b"icc\0\0" + bomb))
    long_text = with_chunks(chunk(b"tEXt", b"Comment\0" + b"x" * 900_000))
    sixteen_grey = saved(Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), "PNG")
    return [
        File(2, "good PNG", png, check=exactly),
        File(7, "PNG signature only", lambda: SIGNATURE, "R", ("truncated",)),
        File(10, "PNG cut at half", lambda: png()[: len(png()) // 2], "R", ("truncated",)),
        File(11, "PNG without IEND", lambda: png()[:-12], "R", ("truncated",)),
        File(13, "PNG with a bad checksum", _bad_checksum, "R", ("corrupt",)),
        File(20, "PNG + HTML", lambda: png() + HTML, check=exactly, warnings=("appended_data",)),
        File(38, "PNG header of 50000 x 50000", lambda: head(50_000, 50_000), "R", ("pixels",)),
        File(39, "PNG of 12000 x 12000", real_and_huge, "R", ("pixels",)),
        File(40, "65535 x 1", lambda: head(65_535, 1), "R", ("side",)),
        File(41, "width 0", lambda: head(0, 96), "R", ("corrupt",)),
        File(42, "1 x 1", lambda: saved(Image.new("RGB", (1, 1)), "PNG"), "R", ("too_small",)),
        File(43, "zTXt bomb", lambda: text_bomb, "R", ("metadata",)),
        File(44, "iCCP bomb", lambda: profile_bomb, "R", ("metadata",)),
        File(45, "900 kB of text", lambda: long_text, check=exactly),
        File(46, "5,000 text chunks", lambda: with_chunks(words), "R", ("metadata",)),
        File(47, "10,000 IDAT chunks", _many_idats, check=exactly),
        File(55, "APNG", _animated, "R", ("frames",)),
        File(61, "1-bit PNG", lambda: saved(cell().convert("1"), "PNG"), "R", ("colour",)),
        File(62, "LA", lambda: saved(cell().convert("LA"), "PNG"), "R", ("colour",)),
        File(
            63,
            "fully transparent",
            _transparent,
            check=close_to(white, 0),
            warnings=("transparency",),
        ),
        File(
            63,
            "half transparent",
            _half_transparent,
            check=close_to(half, 1),
            warnings=("transparency",),
        ),
        File(64, "palette PNG", _palette, check=close_to(_palette_pixels(), 0)),
        File(65, "16-bit grey PNG", lambda: sixteen_grey, "R", ("bit_depth",)),
        File(68, "48-bit RGB PNG", _sixteen_bit_rgb, "R", ("bit_depth",)),
    ]
