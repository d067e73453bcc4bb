"""How far a served graph is from what it was made of, on real pictures; kept as parity.json."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifier.inference.model import load_model
from ml.config import load_config
from ml.data import Sample
from ml.export import network_of, rewrite_manifest
from ml.network import whole
from ml.runs import load_calibration, load_head, write_json
from ml.weights import Weights

PARITY = "parity.json"
Reference = Callable[[np.ndarray], np.ndarray]
"""Crops (N, size, size, 3) uint8 to probabilities (N, 5)."""


def compare(
    directory: Path, samples: Sequence[Sample], reference: Reference, name: str
) -> dict[str, Any]:
    """The figures, written into the model directory; `name` says what `reference` is."""
    model = load_model(directory)
    prepared = [model.prepare(sample.rgb()) for sample in samples]
    expected = reference(np.stack([item.crop.pixels for item in prepared]))
    served = np.stack([model.start(item).result().probabilities for item in prepared])
    found = {
        "reference": name,
        "pictures": len(samples),
        "largest_probability_difference": float(np.abs(served - expected).max()),
        "mean_probability_difference": float(np.abs(served - expected).mean()),
        "same_label": float((served.argmax(1) == expected.argmax(1)).mean()),
    }
    write_json(directory / PARITY, found)
    rewrite_manifest(directory)
    return found


def keras_reference(run: Path, weights: Weights | None) -> Reference:
    """The Keras model of a run, computed in float32."""
    head, calibration = load_head(run), load_calibration(run)
    base = network_of(run, load_config(run / "config.json"), weights)
    model = whole(base, head.kernel, head.bias, temperature=calibration.temperature)
    return lambda crops: model.predict(crops, batch_size=16, verbose=0)


def graph_reference(directory: Path) -> Reference:
    """The graph of a float model directory, computed in float32."""
    runtime = load_model(directory, precision="f32").runtime
    return lambda crops: np.stack([runtime.start(crop).result().probabilities for crop in crops])
