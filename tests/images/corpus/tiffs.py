"""TIFF rows, most of them written by hand: a directory of tags is easy to get wrong on purpose."""

import struct

import numpy as np
from PIL import Image

from tests.images.corpus.model import File, cell, cell_pixels, exactly, nearly, saved, tiff

SHORT, LONG = 3, 4
Entry = tuple[int, int, int, int]  # tag, type, count, value or offset


def plain_entries(offset: int) -> list[Entry]:
    """The tags of an uncompressed 128 x 96 RGB picture with its pixels at `offset`. BitsPerSample
    lies at offset 8."""
    return [
        (256, LONG, 1, 128),
        (257, LONG, 1, 96),
        (258, SHORT, 3, 8),
        (259, SHORT, 1, 1),
        (262, SHORT, 1, 2),
        (273, LONG, 1, offset),
        (277, SHORT, 1, 3),
        (278, LONG, 1, 96),
        (279, LONG, 1, 128 * 96 * 3),
    ]


def directory(entries: list[Entry], following: int = 0) -> bytes:
    body = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return struct.pack("<H", len(entries)) + body + struct.pack("<I", following)


def build(change: dict[int, Entry | None] | None = None, following: int = 0) -> bytes:
    """The plain picture with some tags replaced (None: left out); directory at offset 16."""
    entries = {entry[0]: entry for entry in plain_entries(1024)}
    entries.update(change or {})
    kept = [entry for entry in entries.values() if entry]
    start = b"II*\0" + struct.pack("<I", 16) + struct.pack("<HHH", 8, 8, 8) + bytes(2)
    return (start + directory(kept, following)).ljust(1024, b"\0") + cell_pixels().tobytes()


def _many_directories() -> bytes:
    data = build(following=1024 + 128 * 96 * 3)
    chain = b""
    for _ in range(10_000):
        size = len(directory(plain_entries(1024)))
        chain += directory(plain_entries(1024), len(data) + len(chain) + size)
    return data + chain


def _tiles_past_the_end() -> bytes:
    tags: dict[int, Entry | None] = {273: None, 278: None, 279: None}
    tags |= {322: (322, LONG, 1, 128), 323: (323, LONG, 1, 96)}
    tags |= {324: (324, LONG, 1, 0x7FFFFF00), 325: (325, LONG, 1, 128 * 96 * 3)}
    return build(tags)


def _big() -> bytes:
    return b"II+\0" + struct.pack("<HHQ", 8, 0, 16) + struct.pack("<Q", 0) + bytes(200)


def _floats(fill: float | None = None) -> bytes:
    values = np.asarray(cell().convert("L")).astype(np.float32) / 255
    return saved(Image.fromarray(values if fill is None else np.full_like(values, fill)), "TIFF")


def _deep(bits: int) -> bytes:
    values = np.asarray(cell().convert("L")).astype(np.uint16) << (bits - 8)
    return saved(Image.fromarray(values), "TIFF")


def files() -> list[File]:
    pages = saved(cell(), "TIFF", save_all=True, append_images=[cell()] * 2)
    lab = saved(cell().convert("LAB"), "TIFF")
    in_jpeg = tiff(compression="jpeg", quality=92)
    one_bit = saved(cell().convert("1"), "TIFF", compression="group4")
    lzw = tiff(compression="tiff_lzw")
    return [
        File(3, "good TIFF", tiff, check=exactly),
        File(3, "TIFF by hand", build, check=exactly),
        File(3, "LZW TIFF", lambda: lzw, check=exactly),
        File(12, "TIFF cut at half", lambda: lzw[: len(lzw) // 2], "R", ("truncated",)),
        File(48, "directory that follows itself", lambda: build(following=16), "R", ("corrupt",)),
        File(49, "10,000 directories", _many_directories, "R", ("frames",)),
        File(50, "tiles past the end", _tiles_past_the_end, "R", ("truncated",)),
        File(
            51,
            "2^31 strips",
            lambda: build({273: (273, LONG, 1 << 31, 64)}),
            "R",
            ("corrupt",),
        ),
        File(52, "BigTIFF", _big, "R", ("type",)),
        File(53, "three pages", lambda: pages, "R", ("frames",)),
        File(61, "1-bit TIFF", lambda: one_bit, "R", ("colour",)),
        File(66, "16-bit TIFF", lambda: _deep(16), "R", ("bit_depth",)),
        File(67, "12 bits in 16 TIFF", lambda: _deep(12), "R", ("bit_depth",)),
        File(69, "float TIFF", _floats, "R", ("bit_depth",)),
        File(70, "NaN TIFF", lambda: _floats(np.nan), "R", ("bit_depth",)),
        File(71, "LAB TIFF", lambda: lab, "R", ("colour",)),
        File(71, "JPEG in TIFF", lambda: in_jpeg, check=nearly),
    ]
