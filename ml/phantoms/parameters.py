"""What a phantom is made of: frozen parameters, lengths in micrometres, colours in optical density.

Optical density is -log10(transmittance) against the unstained background, one value for each of
R, G and B. The vectors of MGG were measured as medians over the training part of the public PBC
collection (Acevedo et al., Data in Brief 30:105474, 2020; May-Gruenwald-Giemsa, CellaVision DM96).
Those of WRIGHT were set by eye to imitate another laboratory: Wright's stain, daylight balance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

LABELS = ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil")

Vector = tuple[float, float, float]


class NucleusShape(StrEnum):
    """How a haematologist names the outline of the nucleus."""

    SEGMENTED = "segmented"
    BILOBED = "bilobed"
    ROUND = "round"
    KIDNEY = "kidney"
    OBSCURED = "obscured"


class GranuleKind(StrEnum):
    """What is seen in the cytoplasm (and, for basophils, over the nucleus)."""

    NONE = "none"
    FINE = "fine"
    COARSE_ORANGE = "coarse orange-red"
    COARSE_VIOLET = "coarse dark violet"


@dataclass(frozen=True, slots=True)
class Stain:
    """Optical densities (R, G, B) of each stained thing at its usual strength, and gains on them.

    ``azure_gain`` scales what the thiazine dyes colour (chromatin, basophilia, violet granules),
    ``karyoplasm`` is the even tint of a nucleus below its chromatin, which makes pale gaps redder
    than dark clumps; it goes with the azure gain. ``eosin_gain`` scales what eosin colours (orange granules, pink cytoplasm, haemoglobin).
    ``background`` is the colour of the empty slide, R, G, B in 0..255.
    """

    name: str
    chromatin: Vector
    karyoplasm: Vector
    basophilia: Vector
    eosin: Vector
    azurophil: Vector
    haemoglobin: Vector
    background: Vector
    azure_gain: float = 1.0
    eosin_gain: float = 1.0


MGG = Stain(
    name="May-Gruenwald-Giemsa",
    chromatin=(0.455, 0.905, 0.062),
    karyoplasm=(0.118, 0.100, 0.130),
    basophilia=(0.15, 0.175, 0.050),
    eosin=(0.126, 0.325, 0.158),
    azurophil=(0.34, 0.66, 0.15),
    haemoglobin=(0.100, 0.147, 0.089),
    background=(254.0, 228.0, 203.0),
)

WRIGHT = Stain(
    name="Wright",
    chromatin=(0.45, 0.80, 0.030),
    karyoplasm=(0.14, 0.08, 0.060),
    basophilia=(0.17, 0.16, 0.040),
    eosin=(0.080, 0.280, 0.160),
    azurophil=(0.30, 0.58, 0.08),
    haemoglobin=(0.045, 0.170, 0.120),
    background=(226.0, 224.0, 214.0),
)


@dataclass(frozen=True, slots=True)
class Nucleus:
    """Outline: shape, number of lobes (1-5), share of the cell's area, bridge half-width as a share
    of the cell's radius, and how uneven the outline is (0 smooth .. 1)."""

    shape: NucleusShape
    lobes: int
    area_fraction: float
    bridge: float = 0.08
    roughness: float = 0.3

    def __post_init__(self) -> None:
        if not 1 <= self.lobes <= 5:
            raise ValueError(f"lobes must be 1 to 5, not {self.lobes}")
        if not 0.05 <= self.area_fraction <= 0.95:
            raise ValueError(f"area_fraction must be 0.05 to 0.95, not {self.area_fraction}")


@dataclass(frozen=True, slots=True)
class Chromatin:
    """Texture of the nucleus: mean density (1 = the stain's vector), contrast of the pale gaps
    (0..1), grain in micrometres, ``lace`` (0 clumped .. 1 a fine net) and strength of the rim."""

    density: float
    contrast: float
    grain_um: float
    lace: float
    rim: float = 0.25


@dataclass(frozen=True, slots=True)
class Cytoplasm:
    """Extent and colour: diameter of the cell, elongation (long over short axis), irregularity and
    fraying of the outline (0..1), blue and pink dye taken up, mottling, number of vacuoles."""

    diameter_um: float
    basophilia: float
    acidophilia: float
    elongation: float = 1.05
    irregularity: float = 0.15
    fraying: float = 0.1
    mottling: float = 0.3
    vacuoles: int = 0


@dataclass(frozen=True, slots=True)
class Granules:
    """Kind, diameter, share of the cytoplasm covered (0..1), strength, and share of the granules
    that lie over the nucleus."""

    kind: GranuleKind
    diameter_um: float = 0.5
    coverage: float = 0.0
    strength: float = 1.0
    over_nucleus: float = 0.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Red cells (share of the area they cover, diameter, how readily they overlap, central pallor
    0..1, share that are crenated) and the mean number of platelets in 1000 square micrometres."""

    red_cell_cover: float = 0.50
    red_cell_um: float = 7.6
    overlap: float = 0.22
    pallor: float = 0.58
    crenated: float = 0.05
    platelets: float = 0.8


@dataclass(frozen=True, slots=True)
class Illumination:
    """Fall-off towards the corners and tilt across the frame (shares of the background), glare
    (share of the background light that reaches the sensor without passing the stain) and the
    camera's white balance, a factor for each channel."""

    vignette: float = 0.01
    tilt: float = 0.01
    glare: float = 0.03
    white_balance: Vector = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Optics:
    """Scale, focus (Gaussian sigma in pixels), the camera's sharpening, softness of the colour
    channels against brightness (sigma in pixels), shift of blue against green along x in pixels
    (a lens brings colours to slightly different places) and sensor noise (sigma in grey levels)."""

    pixels_per_um: float = 10.3
    blur: float = 0.75
    sharpening: float = 0.35
    chroma_softness: float = 0.4
    fringe: float = -0.7
    noise: float = 1.0


@dataclass(frozen=True, slots=True)
class CellParameters:
    """Everything ``draw_cell`` needs besides the seed that places the details."""

    label: str
    nucleus: Nucleus
    chromatin: Chromatin
    cytoplasm: Cytoplasm
    granules: Granules
    surroundings: Surroundings = field(default_factory=Surroundings)
    stain: Stain = MGG
    illumination: Illumination = field(default_factory=Illumination)
    optics: Optics = field(default_factory=Optics)

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise ValueError(f"label must be one of {', '.join(LABELS)}, not {self.label!r}")
