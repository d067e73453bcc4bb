"""The golden set: twenty drawn cells whose answers a model states, and must give again anywhere.

A model that answers them otherwise is not the one that was measured: its classes stand in another
order, its weights were changed, or this machine computes what no other does. Float graphs are asked
in float32, which every processor has; an int8 graph in its own arithmetic.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from classifier.inference.classes import CLASSES
from classifier.inference.errors import ModelError
from classifier.inference.manifest import file_sha256, read_manifest
from classifier.inference.model import load_model

FILE_NAME = "golden.json"
FOLDER = Path(__file__).resolve().parent.parent / "golden"
TOLERANCE = 1e-3
LIMIT = 100_000  # bytes of a golden.json; a real one has some four thousand


def pictures() -> list[Path]:
    """Four of each class, by name; drawn with `ml.phantoms`, nobody's blood."""
    return sorted(FOLDER.glob("*.png"))


def answers(directory: Path | str) -> dict[str, Any]:
    """What a model says of the golden set, as golden.json holds it."""
    manifest = read_manifest(directory)
    arithmetic = "int8" if manifest.precision == "int8" else "f32"
    model = load_model(directory, threads=1, precision=arithmetic)
    return {
        "classes": list(CLASSES),
        "arithmetic": arithmetic,
        "pictures": {
            path.name: {
                "sha256": file_sha256(path),
                "probabilities": [
                    round(float(value), 6)
                    for value in model.classify(path.read_bytes()).probabilities
                ],
            }
            for path in pictures()
        },
    }


def require_golden(directory: Path | str) -> float:
    """Ask a verified model directory the golden set again; the largest difference.

    ModelError, in one sentence, where it states no answers, states them for other pictures or
    classes, or gives others now.
    """
    manifest = read_manifest(directory)
    if FILE_NAME not in manifest.files:
        raise ModelError(f"Model {manifest.id!r} states no answers to the golden set.")
    stated = _stated(manifest.id, manifest.path(FILE_NAME))
    now = answers(directory)
    if {name: row["sha256"] for name, row in stated["pictures"].items()} != {
        name: row["sha256"] for name, row in now["pictures"].items()
    } or stated["classes"] != now["classes"]:
        raise ModelError(
            f"Model {manifest.id!r} states its answers to another golden set than this one."
        )
    off = {
        name: float(np.abs(np.subtract(row["probabilities"], stated["pictures"][name][_P])).max())
        for name, row in now["pictures"].items()
    }
    worst = max(off, key=lambda name: off[name])
    if not off[worst] <= TOLERANCE:
        many = sum(not value <= TOLERANCE for value in off.values())
        raise ModelError(
            f"Model {manifest.id!r} does not give the answers that it states: {many} of {len(off)} "
            f"golden pictures differ, {worst} by {off[worst]:.3f}."
        )
    return off[worst]


_P = "probabilities"


def _stated(model_id: str, path: Path) -> dict[str, Any]:
    wrong = ModelError(f"Model {model_id!r}: {FILE_NAME} does not state answers to a golden set.")
    try:
        if path.stat().st_size > LIMIT:
            raise wrong
        stated = json.loads(path.read_bytes())
        for row in stated["pictures"].values():
            if np.shape(row[_P]) != (len(CLASSES),) or not isinstance(row["sha256"], str):
                raise wrong
            np.asarray(row[_P], float)
        if not isinstance(stated["classes"], list):
            raise wrong
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, ModelError):
            raise
        raise wrong from error
    return stated
