"""What is known about a phantom, as plain values for truth.csv and truth.json."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ml.phantoms.drawing import Field, FieldCell, Phantom
from ml.phantoms.parameters import CellParameters

#: Columns of truth.csv; boxes in pixels, areas in square pixels, diameters in micrometres.
COLUMNS = (
    "path",
    "synthetic",
    "kind",
    "label",
    "seed",
    "x",
    "y",
    "width",
    "height",
    "cell_area",
    "nucleus_area",
    "lobes",
    "nucleus_shape",
    "granules",
    "diameter_um",
    "stain",
)


def cell_truth(cell: Phantom | FieldCell, *, path: str, kind: str, seed: int) -> dict[str, Any]:
    """One row of truth.csv about one white cell."""
    parameters = cell.parameters
    x, y, width, height = cell.box
    return {
        "path": path,
        "synthetic": True,
        "kind": kind,
        "label": cell.label,
        "seed": seed,
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "cell_area": int(cell.mask.sum()),
        "nucleus_area": int(cell.nucleus_mask.sum()),
        "lobes": parameters.nucleus.lobes,
        "nucleus_shape": parameters.nucleus.shape.value,
        "granules": parameters.granules.kind.value,
        "diameter_um": round(parameters.cytoplasm.diameter_um, 2),
        "stain": parameters.stain.name,
    }


def parameters_truth(parameters: CellParameters) -> dict[str, Any]:
    """All parameters as nested plain values."""
    return asdict(parameters)


def field_truth(field: Field) -> dict[str, Any]:
    """What a field holds besides its white cells."""
    return {
        "red_cell_boxes": [list(box) for box in field.red_cell_boxes],
        "platelets": field.platelets,
    }
