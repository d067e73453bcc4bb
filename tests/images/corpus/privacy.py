"""Rows 73 to 76: names, numbers and places in every corner of a file. They may not survive."""

import struct

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.images.corpus.jpegs import with_comment
from tests.images.corpus.model import CANARY, File, cell, exactly, jpeg, nearly, png, saved

XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b"<dc:creator>" + CANARY + b"</dc:creator></x:xmpmeta>"
)


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()  # description
    exif[0x013B] = "MRN-4711-0815"  # artist
    exif[0x9286] = b"ASCII\0\0\0" + CANARY
    place = exif.get_ifd(0x8825)
    place.update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0), 29: "2024:01:01"})
    return exif


def _iptc() -> bytes:
    record = b"\x1c\x02\x78" + struct.pack(">H", len(CANARY)) + CANARY  # caption
    body = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record
    return jpeg()[:2] + _app(13, b"Photoshop 3.0\0" + body) + jpeg()[2:]


def _app(number: int, body: bytes) -> bytes:
    return bytes([0xFF, 0xE0 + number]) + struct.pack(">H", len(body) + 2) + body


def _maker_note() -> bytes:
    """Another picture, with a name written into its comment, hidden where cameras keep previews."""
    other = saved(Image.new("RGB", (64, 64), "red"), "JPEG", comment=CANARY)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = b"Maker\0" + other
    return jpeg(exif=exif)


def _png_text() -> bytes:
    info = PngInfo()
    info.add_text("Patient", CANARY.decode())
    info.add_text("Number", "MRN-4711-0815", zip=True)
    info.add_itxt("Title", CANARY.decode(), zip=True)
    return png(pnginfo=info)


def _tiff_text() -> bytes:
    return saved(cell(), "TIFF", tiffinfo={270: CANARY.decode(), 315: "MRN-4711-0815", 700: XMP})


def files() -> list[File]:
    xmp = jpeg()[:2] + _app(1, b"http://ns.adobe.com/xap/1.0/\0" + XMP) + jpeg()[2:]
    return [
        File(73, "EXIF with place, name and number", lambda: jpeg(exif=_exif()), check=nearly),
        File(74, "XMP with a name", lambda: xmp, check=nearly),
        File(75, "JPEG comment with a name", lambda: with_comment(CANARY), check=nearly),
        File(76, "PNG text with a name", _png_text, check=exactly),
        File(76, "IPTC caption with a name", _iptc, check=nearly),
        File(76, "maker note with another picture", _maker_note, check=nearly),
        File(76, "TIFF tags with a name", _tiff_text, check=exactly),
    ]
