"""Synthetic blood-cell pictures with known truth, for tests, the demo and load tests.

``draw_cell`` draws one white cell, ``draw_field`` a field of a smear. NumPy and OpenCV only; the
same seed gives the same picture. Nothing here is a patient's and nothing needs a licence.
"""

from ml.phantoms.drawing import (
    HEALTHY_DIFFERENTIAL,
    STANDARD_SIZE,
    Field,
    FieldCell,
    Phantom,
    draw_cell,
    draw_field,
)
from ml.phantoms.others import OTHER_KINDS, draw_other
from ml.phantoms.parameters import (
    LABELS,
    MGG,
    WRIGHT,
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
from ml.phantoms.recipes import sample_parameters

__all__ = [
    "HEALTHY_DIFFERENTIAL",
    "LABELS",
    "MGG",
    "OTHER_KINDS",
    "STANDARD_SIZE",
    "WRIGHT",
    "CellParameters",
    "Chromatin",
    "Cytoplasm",
    "Field",
    "FieldCell",
    "GranuleKind",
    "Granules",
    "Illumination",
    "Nucleus",
    "NucleusShape",
    "Optics",
    "Phantom",
    "Stain",
    "Surroundings",
    "draw_cell",
    "draw_field",
    "draw_other",
    "sample_parameters",
]
