"""Pictures that are no readable white cell of the five classes: what must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.phantoms.camera import expose
from ml.phantoms.drawing import STANDARD_SIZE, draw_cell
from ml.phantoms.parameters import LABELS, MGG, Illumination, Optics, Surroundings
from ml.phantoms.recipes import sample_parameters
from ml.phantoms.shapes import noise
from ml.phantoms.surroundings import add_platelets, add_red_cells

Picture = NDArray[np.uint8]


def _blank(rng: np.random.Generator, seed: int, size: int) -> Picture:
    """An empty place on the slide."""
    del seed
    empty = np.zeros((size, size, 3), np.float32)
    return expose(rng, empty, MGG, Illumination(), Optics())


def _red_cells_only(rng: np.random.Generator, seed: int, size: int) -> Picture:
    """Red cells and platelets, no white cell."""
    del seed
    density = np.zeros((size, size, 3), np.float32)
    around, optics = Surroundings(), Optics()
    nobody = np.zeros((size, size), np.float32)
    add_red_cells(rng, density, around, optics, MGG, [], nobody)
    add_platelets(rng, density, around, optics, MGG, [])
    return expose(rng, density, MGG, Illumination(), optics)


def _out_of_focus(rng: np.random.Generator, seed: int, size: int) -> Picture:
    """A white cell seen so far out of focus that its nucleus tells nothing."""
    label = LABELS[int(rng.integers(len(LABELS)))]
    parameters = sample_parameters(label, seed)
    optics = replace(parameters.optics, blur=float(rng.uniform(9, 14)), sharpening=0.0)
    chosen = replace(parameters, optics=optics)
    return draw_cell(label, seed, size=size, parameters=chosen).image


def _erythroblast(rng: np.random.Generator, seed: int, size: int) -> Picture:
    """A small nucleated red cell: a dense round nucleus in a grey-pink body."""
    parameters = sample_parameters("lymphocyte", seed)
    chosen = replace(
        parameters,
        nucleus=replace(parameters.nucleus, area_fraction=float(rng.uniform(0.28, 0.42))),
        chromatin=replace(parameters.chromatin, density=1.12, contrast=0.7, grain_um=0.6),
        cytoplasm=replace(
            parameters.cytoplasm,
            diameter_um=float(rng.uniform(8.2, 9.6)),
            basophilia=float(rng.uniform(0.35, 0.7)),
            acidophilia=float(rng.uniform(0.35, 0.5)),
            fraying=0.05,
            mottling=0.15,
        ),
    )
    return draw_cell("lymphocyte", seed, size=size, parameters=chosen).image


def _text(rng: np.random.Generator, seed: int, size: int) -> Picture:
    """A photographed page: dark lines of letters on paper."""
    del seed
    page = np.full((size, size, 3), 244, np.uint8)
    letters = np.array(list("abcdefghiklmnoprstuvw 0123456789"))
    for line in range(18, size - 4, 22):
        words = "".join(rng.choice(letters, size=max(4, size // 11)))
        cv2.putText(page, words, (8, line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 46), 1)
    soft = cv2.GaussianBlur(page, (0, 0), 0.6).astype(np.float32)
    grain = 2.0 * noise(rng, (size, size), 0.6)[..., None]
    return np.clip(np.rint(soft + grain), 0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator, seed: int, size: int) -> Picture:
    """Nothing but noise of every colour."""
    del seed
    return rng.integers(0, 256, (size, size, 3), dtype=np.uint8)


_OTHERS: dict[str, Callable[[np.random.Generator, int, int], Picture]] = {
    "blank": _blank,
    "red cells only": _red_cells_only,
    "out of focus": _out_of_focus,
    "erythroblast": _erythroblast,
    "text": _text,
    "noise": _noise,
}

#: The kinds of out-of-scope pictures that ``draw_other`` knows.
OTHER_KINDS = tuple(_OTHERS)


def draw_other(kind: str, seed: int, *, size: int = STANDARD_SIZE) -> Picture:
    """Draw an out-of-scope picture (size, size, 3), uint8 RGB; ``kind`` is one of OTHER_KINDS."""
    if kind not in _OTHERS:
        raise ValueError(f"kind must be one of {', '.join(OTHER_KINDS)}, not {kind!r}")
    rng = np.random.default_rng([seed, 50 + OTHER_KINDS.index(kind)])
    return _OTHERS[kind](rng, seed, size)
