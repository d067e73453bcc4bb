"""JPEG rows: cut, flipped, with a tail, two pictures in one, ink colours."""

import io

import numpy as np
from PIL import Image

from tests.images.corpus.foreign import zipped
from tests.images.corpus.model import File, cell, cell_pixels, close_to, jpeg, nearly, saved


def _flipped() -> bytes:
    data = bytearray(jpeg())
    data[len(data) * 2 // 3] ^= 0x10
    return bytes(data)


def with_comment(text: bytes) -> bytes:
    data = jpeg()
    return data[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + data[2:]


def _mpo() -> bytes:
    out = io.BytesIO()
    cell().save(out, "MPO", save_all=True, append_images=[cell().rotate(180)], quality=92)
    return out.getvalue()


def ink() -> np.ndarray:
    """(96, 128, 4) ink amounts: four bands with cyan, magenta, yellow and half black."""
    bands = np.zeros((96, 128, 4), np.uint8)
    for index, amount in enumerate((255, 255, 255, 128)):
        bands[:, 32 * index : 32 * (index + 1), index] = amount
    return bands


def ink_as_rgb() -> np.ndarray:
    """The stated conversion without a profile: (255 - ink)(255 - black) / 255."""
    amounts = ink().astype(float)
    return ((255 - amounts[..., :3]) * (255 - amounts[..., 3:]) / 255).round().astype(np.uint8)


def _cmyk() -> bytes:
    """Ink colours stored inverted with Adobe's marker, as Photoshop does (transform 0)."""
    return saved(Image.fromarray(ink(), "CMYK"), "JPEG", quality=98, subsampling=0)


def _ycck() -> bytes:
    """The same as YCCK: inverted ink stored as luma and chroma, marker with transform 2."""
    # Decoders compute 255 - RGB(luma, chroma) and get the stored, inverted ink: the luma is of ink.
    luma = np.asarray(Image.fromarray(ink()[..., :3]).convert("YCbCr"))
    stored = np.concatenate([luma, 255 - ink()[..., 3:]], axis=-1)
    # The encoder inverts what it is given as CMYK.
    data = saved(Image.fromarray(255 - stored, "CMYK"), "JPEG", quality=98, subsampling=0)
    place = data.index(b"\xff\xee") + 4
    assert data[place : place + 5] == b"Adobe"
    return data[: place + 11] + b"\x02" + data[place + 12 :]


def files() -> list[File]:
    grey = saved(cell().convert("L"), "JPEG")
    payload = b"<?php system($_GET[0]); ?><script>alert(1)</script>"
    return [
        File(1, "good JPEG", jpeg, check=nearly),
        File(1, "progressive JPEG", lambda: jpeg(progressive=True), check=nearly),
        File(6, "JPEG magic only", lambda: b"\xff\xd8\xff", "R", ("truncated",)),
        File(8, "JPEG cut at half", lambda: jpeg()[: len(jpeg()) // 2], "R", ("truncated",)),
        File(9, "JPEG less 2 bytes", lambda: jpeg()[:-2], "R", ("truncated",)),
        File(14, "JPEG with a byte flipped", _flipped, "A or R", ("corrupt", "truncated")),
        File(
            21,
            "JPEG + ZIP",
            lambda: jpeg() + zipped(),
            check=nearly,
            warnings=("appended_data",),
        ),
        File(22, "JPEG with code in a comment", lambda: with_comment(payload), check=nearly),
        File(57, "MPO", _mpo, check=nearly, warnings=("extra_frames",)),
        File(58, "CMYK JPEG", _cmyk, check=close_to(ink_as_rgb(), 2)),
        File(59, "YCCK JPEG", _ycck, check=close_to(ink_as_rgb(), 3)),
        File(60, "grey JPEG", lambda: grey, "R", ("colour",)),
        *(File(72, f"orientation {turn}", _turned_by(turn), check=nearly) for turn in range(2, 9)),
    ]


# How a camera held that way stores the upright picture: the inverse of what a viewer must do.
_STORED = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


def _turned_by(orientation: int):
    def make() -> bytes:
        exif = Image.Exif()
        exif[0x0112] = orientation
        image = Image.fromarray(np.ascontiguousarray(_STORED[orientation](cell_pixels())))
        return saved(image, "JPEG", quality=92, exif=exif)

    return make
