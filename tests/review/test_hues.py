"""The classes' colours: told apart by colour-blind readers too, as far as fifteen can be."""

import itertools
import re

import numpy as np
import pytest
from django.conf import settings

from review.choices import LETTERS
from telemed.templatetags.components import hue, letter

# Machado, Oliveira & Fernandes 2009, severity 1: how linear RGB is seen.
SIGHT = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "all colours": np.eye(3),
}  # fmt: skip
# Ottosson 2020, Oklab.
LMS = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]
FURTHER = "ixarpsf0c"  # the labels that the model does not know
LEAST = 0.02  # of Oklab: a just noticeable difference


def lab(colour: str, sight: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(SIGHT[sight]) @ linear, 1e-6, 1)
    return np.array(LAB) @ np.cbrt(np.array(LMS) @ seen)


def hues(theme: str) -> dict[str, str]:
    css = (settings.BASE_DIR / "static" / "css" / "app.css").read_text()
    blocks = re.findall(r"([^{}]+)\{([^}]*)\}", css)
    block = next(body for head, body in blocks if f'[data-bs-theme="{theme}"]' in head)
    return dict(re.findall(r"--class-(\w):\s*(#[0-9a-f]{6})", block))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_no_further_label_looks_like_another(theme, sight):
    found = hues(theme)
    assert len(found) == len(LETTERS)
    close = [
        (one, other)
        for one, other in itertools.combinations(found, 2)
        if FURTHER.find(one) + FURTHER.find(other) > -2
        and np.linalg.norm(lab(found[one], sight) - lab(found[other], sight)) < LEAST
    ]
    assert close == []


def test_every_label_has_a_letter_and_a_hue_of_its_own():
    assert len({letter(label) for label in LETTERS}) == len(LETTERS)
    css = (settings.BASE_DIR / "static" / "css" / "app.css").read_text()
    for label in LETTERS:
        assert f".{hue(label)} {{" in css
    assert (letter("unidentified"), hue("unidentified")) == ("?", "hue-u")
    assert (letter("unread"), hue("unread")) == ("?", "hue-u")
