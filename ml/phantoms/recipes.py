"""What each class usually looks like: parameters drawn at random around what textbooks describe.

The ranges follow the blood-cell descriptions of ICSH (Palmer et al., Int J Lab Hematol 37:287,
2015) and were adjusted by eye and by optical densities against the public PBC training pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ml.phantoms.parameters import (
    LABELS,
    MGG,
    CellParameters,
    Chromatin,
    Cytoplasm,
    GranuleKind,
    Granules,
    Illumination,
    Nucleus,
    NucleusShape,
    Optics,
    Stain,
    Surroundings,
)

Parts = tuple[Nucleus, Chromatin, Cytoplasm, Granules]


def _around(rng: np.random.Generator, mean: float, deviation: float) -> float:
    """A normal draw cut at two deviations: variety without freaks."""
    return float(mean + deviation * np.clip(rng.standard_normal(), -2, 2))


def _neutrophil(rng: np.random.Generator) -> Parts:
    lobes = int(rng.choice([2, 3, 4, 5], p=[0.25, 0.42, 0.26, 0.07]))
    nucleus = Nucleus(
        NucleusShape.SEGMENTED,
        lobes,
        area_fraction=_around(rng, 0.37, 0.03),
        bridge=float(rng.choice([0.05, 0.09, 0.17], p=[0.3, 0.4, 0.3])),
        roughness=_around(rng, 0.55, 0.12),
    )
    chromatin = Chromatin(_around(rng, 0.98, 0.05), _around(rng, 0.95, 0.08), 0.42, 0.12, rim=0.22)
    body = Cytoplasm(
        _around(rng, 13.3, 0.6),
        basophilia=_around(rng, 0.33, 0.06),
        acidophilia=_around(rng, 0.22, 0.04),
        elongation=1 + abs(_around(rng, 0, 0.07)),
        irregularity=_around(rng, 0.35, 0.12),
        fraying=_around(rng, 0.16, 0.04),
        mottling=_around(rng, 0.8, 0.12),
    )
    fine = Granules(GranuleKind.FINE, 0.34, _around(rng, 0.55, 0.12), _around(rng, 0.8, 0.12))
    return nucleus, chromatin, body, fine


def _eosinophil(rng: np.random.Generator) -> Parts:
    lobes = int(rng.choice([2, 3], p=[0.78, 0.22]))
    nucleus = Nucleus(
        NucleusShape.BILOBED,
        lobes,
        area_fraction=_around(rng, 0.43, 0.03),
        bridge=float(rng.choice([0.05, 0.09, 0.13])),
        roughness=_around(rng, 0.4, 0.1),
    )
    chromatin = Chromatin(_around(rng, 0.90, 0.05), _around(rng, 1.05, 0.08), 0.40, 0.28, rim=0.38)
    body = Cytoplasm(
        _around(rng, 12.8, 0.6),
        basophilia=_around(rng, 0.62, 0.10),
        acidophilia=_around(rng, 0.20, 0.03),
        elongation=1 + abs(_around(rng, 0, 0.07)),
        irregularity=_around(rng, 0.35, 0.12),
        fraying=_around(rng, 0.25, 0.06),
        mottling=_around(rng, 0.6, 0.1),
        vacuoles=int(rng.poisson(2.5)),
    )
    orange = Granules(
        GranuleKind.COARSE_ORANGE,
        _around(rng, 0.46, 0.03),
        _around(rng, 0.88, 0.07),
        _around(rng, 1.12, 0.07),
    )
    return nucleus, chromatin, body, orange


def _basophil(rng: np.random.Generator) -> Parts:
    nucleus = Nucleus(
        NucleusShape.OBSCURED,
        int(rng.choice([2, 3], p=[0.6, 0.4])),
        area_fraction=_around(rng, 0.52, 0.05),
        bridge=0.3,
        roughness=_around(rng, 0.5, 0.1),
    )
    chromatin = Chromatin(_around(rng, 0.72, 0.07), _around(rng, 0.95, 0.08), 0.34, 0.4, rim=0.10)
    body = Cytoplasm(
        _around(rng, 11.6, 0.55),
        basophilia=_around(rng, 0.65, 0.12),
        acidophilia=_around(rng, 0.45, 0.08),
        elongation=1 + abs(_around(rng, 0, 0.10)),
        irregularity=_around(rng, 0.4, 0.12),
        fraying=_around(rng, 0.2, 0.06),
        mottling=_around(rng, 0.6, 0.1),
    )
    violet = Granules(
        GranuleKind.COARSE_VIOLET,
        _around(rng, 0.46, 0.04),
        _around(rng, 0.64, 0.10),
        _around(rng, 1.05, 0.05),
        over_nucleus=_around(rng, 0.48, 0.08),
    )
    return nucleus, chromatin, body, violet


def _lymphocyte(rng: np.random.Generator) -> Parts:
    nucleus = Nucleus(
        NucleusShape.ROUND,
        1,
        area_fraction=_around(rng, 0.72, 0.07),
        roughness=_around(rng, 0.35, 0.1),
    )
    chromatin = Chromatin(_around(rng, 0.93, 0.05), _around(rng, 0.76, 0.07), 0.38, 0.35, rim=0.20)
    body = Cytoplasm(
        _around(rng, 10.6, 0.6),
        basophilia=_around(rng, 1.65, 0.3),
        acidophilia=_around(rng, 0.04, 0.02),
        elongation=1 + abs(_around(rng, 0, 0.08)),
        irregularity=_around(rng, 0.4, 0.15),
        fraying=abs(_around(rng, 0.6, 0.25)),
        mottling=_around(rng, 1.3, 0.25),
    )
    return nucleus, chromatin, body, Granules(GranuleKind.NONE)


def _monocyte(rng: np.random.Generator) -> Parts:
    nucleus = Nucleus(
        NucleusShape.KIDNEY,
        1,
        area_fraction=_around(rng, 0.50, 0.045),
        roughness=_around(rng, 0.75, 0.15),
    )
    chromatin = Chromatin(_around(rng, 0.80, 0.07), _around(rng, 0.98, 0.08), 0.35, 0.7, rim=0.46)
    body = Cytoplasm(
        _around(rng, 15.2, 0.8),
        basophilia=_around(rng, 0.96, 0.10),
        acidophilia=_around(rng, 0.04, 0.02),
        elongation=1 + abs(_around(rng, 0, 0.10)),
        irregularity=_around(rng, 0.75, 0.2),
        fraying=_around(rng, 0.5, 0.15),
        mottling=_around(rng, 0.9, 0.15),
        vacuoles=int(rng.poisson(4)),
    )
    dust = Granules(GranuleKind.FINE, 0.26, _around(rng, 0.35, 0.1), _around(rng, 0.35, 0.08))
    return nucleus, chromatin, body, dust


_RECIPES: dict[str, Callable[[np.random.Generator], Parts]] = {
    "basophil": _basophil,
    "eosinophil": _eosinophil,
    "lymphocyte": _lymphocyte,
    "monocyte": _monocyte,
    "neutrophil": _neutrophil,
}


def sample_parameters(
    label: str,
    seed: int,
    *,
    stain: Stain = MGG,
    optics: Optics | None = None,
    surroundings: Surroundings | None = None,
) -> CellParameters:
    """Draw believable parameters of one cell of class ``label``; the same seed, the same draw."""
    if label not in _RECIPES:
        raise ValueError(f"label must be one of {', '.join(LABELS)}, not {label!r}")
    # The label is part of the seed: seed 7 must not give all classes the same surroundings.
    rng = np.random.default_rng([seed, LABELS.index(label), 1])
    nucleus, chromatin, body, granules = _RECIPES[label](rng)
    sampled_surroundings = Surroundings(
        red_cell_cover=_around(rng, 0.50, 0.07),
        red_cell_um=_around(rng, 7.4, 0.35),
        overlap=_around(rng, 0.07, 0.03),
        pallor=_around(rng, 0.64, 0.14),
        crenated=float(rng.choice([0.0, 0.05, 0.3], p=[0.78, 0.17, 0.05])),
        platelets=abs(_around(rng, 0.8, 0.4)),
    )
    sampled_optics = Optics(
        blur=_around(rng, 0.75, 0.08),
        sharpening=_around(rng, 0.35, 0.08),
        fringe=float(rng.uniform(-1.4, 0.0)),
        noise=_around(rng, 1.0, 0.1),
    )
    light = Illumination(
        vignette=abs(_around(rng, 0.01, 0.004)),
        tilt=abs(_around(rng, 0.01, 0.004)),
        white_balance=(1.0, _around(rng, 1.0, 0.006), _around(rng, 1.0, 0.012)),
    )
    # No two slides are stained alike, even in one laboratory.
    stain = replace(
        stain,
        azure_gain=stain.azure_gain * _around(rng, 1.0, 0.04),
        eosin_gain=stain.eosin_gain * _around(rng, 1.0, 0.06),
    )
    return CellParameters(
        label=label,
        nucleus=nucleus,
        chromatin=chromatin,
        cytoplasm=body,
        granules=granules,
        surroundings=surroundings or sampled_surroundings,
        stain=stain,
        illumination=light,
        optics=optics or sampled_optics,
    )
