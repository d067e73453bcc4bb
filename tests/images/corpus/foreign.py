"""Rows 4-5, 15-19, 23-37, 54, 56: files that are no JPEG, PNG or TIFF, whatever their name."""

import gzip
import io
import struct
import zipfile

from PIL import Image

from tests.images.corpus.model import CANARY, File, cell, exactly, png, saved

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 128 96\n%%EndComments\n"
    b"(%pipe%touch /tmp/teleheme-canary) (w) file\nshowpage\n%%EOF\n"
)
MVG = (
    b"push graphic-context\nviewbox 0 0 128 96\n"
    b"fill 'url(https://127.0.0.1/x.jpg\"|touch \"/tmp/teleheme-canary)'\npop graphic-context\n"
)


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("payload.txt"), CANARY)
    return out.getvalue()


def _djvu() -> bytes:
    note = b'(metadata\n\t(Copyright "\\\n" . qx{touch /tmp/teleheme-canary} . \\\n" b "))'
    chunks = b"INFO" + struct.pack(">I", 10) + b"\0\x80\0\x60\x18\0\x2c\1\x16\1"
    chunks += b"ANTa" + struct.pack(">I", len(note)) + note
    return b"AT&TFORM" + struct.pack(">I", len(chunks) + 4) + b"DJVU" + chunks


def _frames() -> list[Image.Image]:
    return [cell().rotate(180)]


def files() -> list[File]:
    def refused(row: int, name: str, data: bytes, code: str = "type") -> File:
        return File(row, name, lambda: data, "R", (code,))

    gif = saved(cell(), "GIF")
    return [
        refused(4, "0 bytes", b"", "empty"),
        refused(5, "1 byte", b"\xff"),
        File(15, "PNG named .jpg", png, check=exactly),
        refused(16, "text named .jpg", b"Patient: see attached picture.\n" * 20),
        refused(17, "HTML named .png", b"<!doctype html><script>alert(1)</script>"),
        refused(18, "SVG named .png", SVG),
        refused(19, "SVG named .svg", SVG),
        refused(23, "GIF + ZIP", gif + zipped()),
        refused(24, "PDF named .jpg", b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"),
        refused(25, "EPS named .jpg", EPS),
        refused(26, "MVG named .jpg", MVG),
        refused(27, "DjVu named .jpg", _djvu()),
        refused(28, "BMP", saved(cell(), "BMP")),
        refused(29, "ICO", saved(cell(), "ICO")),
        refused(30, "WebP", saved(cell(), "WEBP")),
        refused(31, "JPEG 2000", saved(cell(), "JPEG2000")),
        refused(32, "AVIF", saved(cell(), "AVIF")),
        refused(33, "GIF", gif),
        refused(34, "PSD", b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 96, 128, 8, 3)),
        refused(35, "HEIC", struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic"),
        refused(36, "DICOM", bytes(128) + b"DICM" + b"\x02\0\0\0UL\x04\0" + bytes(60)),
        refused(37, "gzip of a PNG", gzip.compress(png(), mtime=0)),
        refused(54, "animated GIF", saved(cell(), "GIF", save_all=True, append_images=_frames())),
        refused(56, "animated WebP", saved(cell(), "WEBP", save_all=True, append_images=_frames())),
    ]
