"""The eleven morphological attributes of WBCAtt (Tsutsui et al., NeurIPS 2023, arXiv:2306.13531)."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml.data import Sample

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "cell_size": ("small", "big"),
    "cell_shape": ("round", "irregular"),
    "nucleus_shape": (
        "unsegmented-round",
        "unsegmented-indented",
        "unsegmented-band",
        "segmented-bilobed",
        "segmented-multilobed",
        "irregular",
    ),
    "nuclear_cytoplasmic_ratio": ("low", "high"),
    "chromatin_density": ("loosely", "densely"),
    "cytoplasm_vacuole": ("no", "yes"),
    "cytoplasm_texture": ("clear", "frosted"),
    "cytoplasm_colour": ("light blue", "blue", "purple blue"),
    "granule_type": ("nil", "small", "coarse", "round"),
    "granule_colour": ("nil", "pink", "purple", "red"),
    "granularity": ("no", "yes"),
}
SIZES = tuple(len(values) for values in ATTRIBUTES.values())
WIDTH = sum(SIZES)
# Those that say what kind of cell of its class this is; cells of a rare kind are shown more often.
KINDS = ("cell_size", "nucleus_shape", "nuclear_cytoplasmic_ratio")


def read_attributes(folder: Path, samples: Sequence[Sample]) -> np.ndarray:
    """(N, WIDTH) float32: one-hot by attribute, side by side; zeros where nothing is known."""
    sets = {sample.name.split("/")[0] for sample in samples}
    rows: dict[str, dict[str, str]] = {}
    for name in sets:
        with (folder / name / "manifest.csv").open(newline="") as stream:
            rows |= {row["path"]: row for row in csv.DictReader(stream)}
    found = np.zeros((len(samples), WIDTH), np.float32)
    for place, sample in enumerate(samples):
        column = 0
        for attribute, values in ATTRIBUTES.items():
            value = rows[sample.name].get(attribute)
            if value in values:
                found[place, column + values.index(value)] = 1
            column += len(values)
    return found


def sampling_weights(labels: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """(N,) summing to 1: classes evenly, and within a class rare kinds of cell more often.

    A kind counts with the square root of its size. In PBC nearly all lymphocytes are small with
    little cytoplasm; drawn evenly, the large ones of other laboratories would be unknown.
    """
    columns = np.concatenate(
        [np.arange(sum(SIZES[:i]), sum(SIZES[: i + 1])) for i in map(list(ATTRIBUTES).index, KINDS)]
    )
    kinds = np.column_stack([labels, attributes[:, columns]])
    _, inverse, counts = np.unique(kinds, axis=0, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(counts[inverse.ravel()])
    for label in np.unique(labels):
        own = labels == label
        weights[own] /= weights[own].sum()
    return weights / weights.sum()
