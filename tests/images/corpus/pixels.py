"""Rows 77 and 78: good files whose pixels are the trouble."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.images.corpus.model import CANARY, File, cell, jpeg, saved


def labelled(width: int = 360, height: int = 360, dark: bool = True) -> Image.Image:
    """A cell with a bar and a patient's name, as cameras burn it in."""
    image = cell(width, height)
    draw = ImageDraw.Draw(image)
    if dark:
        draw.rectangle((0, 0, width, 22), fill="black")
    text = f"{CANARY.decode()}  MRN-4711-0815  12.03.1961"
    ink = "white" if dark else "black"
    draw.text((6, 4), text, fill=ink, font=ImageFont.load_default(14))
    return image


def _noise() -> np.ndarray:
    return np.random.default_rng(78).integers(0, 256, (128, 128, 3), dtype=np.uint8)


def _scan() -> Image.Image:
    page = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(page)
    for line in range(18):
        draw.text((10, 16 * line), "Referral letter, page one. " * 3, fill="black")
    return page


def _landscape() -> Image.Image:
    """Something that is no smear at all, with the colours of a holiday."""
    y, x = np.mgrid[0:200, 0:300]
    sky = np.stack([90 + y / 4, 150 + y / 4, 230 - y / 8], -1)
    grass = np.stack([60 + x / 9, 130 + x / 12, 50 + 0 * x], -1)
    return Image.fromarray(np.where((y > 120)[..., None], grass, sky).astype(np.uint8))


def files() -> list[File]:
    def written(dark: bool) -> bytes:
        return saved(labelled(dark=dark), "JPEG", quality=90)

    def flat(colour: str) -> bytes:
        return saved(Image.new("RGB", (128, 128), colour), "PNG")

    text = ("possible_text",)
    far = cell(128, 96).resize((64, 64)).resize((128, 96))
    return [
        File(77, "name on a bar", lambda: written(True), warnings=text),
        File(77, "name on the picture", lambda: written(False), warnings=text),
        File(78, "all black", lambda: flat("black"), warnings=("no_colour",)),
        File(78, "all white", lambda: flat("white"), warnings=("no_colour",)),
        File(78, "noise", lambda: saved(Image.fromarray(_noise()), "PNG")),
        File(78, "JPEG quality 1", lambda: jpeg(quality=1)),
        File(78, "a landscape", lambda: saved(_landscape(), "JPEG")),
        File(78, "text scan", lambda: saved(_scan(), "JPEG"), warnings=text),
        File(78, "blurred", lambda: saved(cell().filter(ImageFilter.GaussianBlur(9)), "PNG")),
        File(78, "wrong magnification", lambda: saved(far, "PNG")),
    ]
