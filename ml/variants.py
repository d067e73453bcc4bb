"""Another precision of a model directory: an artefact of its own, evaluated like any other."""

import datetime
import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from classifier.inference.errors import ModelError
from classifier.inference.manifest import (
    FILE_NAME,
    GRAPH,
    STATISTICS,
    WEIGHTS,
    Manifest,
    load_manifest,
)
from classifier.inference.preprocess import crop
from ml.data import Sample, fingerprint, read_set
from ml.export import write_manifest
from ml.runs import code_version, write_json

QUANTISATION = "quantisation.json"
CALIBRATION_CELLS = 300
COPIED = (STATISTICS, "config.json", "history.csv")


def make_variant(
    source: Path,
    target: Path,
    *,
    precision: str,
    model_id: str,
    data: Path,
    max_drop: float,
) -> dict[str, Any] | None:
    """Write the model directory `target`, replacing what is there, from the float model `source`.

    f32 and bf16 share the graph; for int8 it is quantised, calibrated on pbc/train and controlled
    on pbc/val (`max_drop` as in ml.quantise), and what was done is returned and kept in
    quantisation.json. Temperature, statistics and thresholds are those of `source`. ModelError if
    `source` is none or itself int8.
    """
    manifest = load_manifest(source)
    if manifest.precision == "int8":
        raise ModelError(f"{source} is an int8 model; start from the float one.")
    if source.resolve() == target.resolve():
        raise ModelError(f"{source} is the model itself; its variant needs a folder of its own.")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in COPIED:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    done = None
    if precision == "int8":
        done = _quantise(manifest, target, data, max_drop)
    else:
        for name in (GRAPH, WEIGHTS):
            shutil.copyfile(source / name, target / name)
    content = json.loads((source / FILE_NAME).read_text())
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    changed = {"id": model_id, "precision": precision, "created": today, "metrics": {}}
    write_manifest(target, {**content, **changed})
    return done


def _quantise(manifest: Manifest, target: Path, data: Path, max_drop: float) -> dict[str, Any]:
    from ml.graph import save_graph
    from ml.quantise import quantise

    train, val = read_set(data, "pbc", "train"), read_set(data, "pbc", "val")
    some = train[:: max(1, len(train) // CALIBRATION_CELLS)][:CALIBRATION_CELLS]
    cells = zip(crops(manifest, val, "pbc/val"), (sample.label for sample in val), strict=True)
    graph, done = quantise(
        manifest.path(GRAPH),
        manifest.input_size,
        crops(manifest, some, "pbc/train"),
        list(cells),
        max_drop,
    )
    save_graph(graph, target / GRAPH)
    done |= {
        "from": {"id": manifest.id, "manifest_sha256": manifest.sha256},
        "calibration": fingerprint(some),
        "validation": fingerprint(val),
        "code_version": code_version(),
    }
    write_json(target / QUANTISATION, done)
    return done


def crops(manifest: Manifest, samples: Sequence[Sample], what: str) -> list[np.ndarray]:
    """(size, size, 3) uint8 each, as the model is given them."""
    size, preprocessing = manifest.input_size, manifest.preprocessing
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(
            lambda s: crop(s.rgb(), size=size, preprocessing=preprocessing).pixels, samples
        )
        return list(tqdm(made, total=len(samples), desc=what, unit="picture"))
