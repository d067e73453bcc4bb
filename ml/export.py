"""From a run to a model directory that the registry and the workers accept."""

import datetime
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.inference.classes import CLASSES
from classifier.inference.manifest import (
    FILE_NAME,
    FORMAT,
    GRAPH,
    STATISTICS,
    dump_manifest,
    file_sha256,
)
from ml.attributes import ATTRIBUTES
from ml.config import TrainConfig, load_config
from ml.graph import convert, save_graph, serving_graph
from ml.network import backbone
from ml.runs import load_attributes, load_backbone, load_calibration, load_head
from ml.weights import Weights

if TYPE_CHECKING:
    import keras


def export(run: Path, target: Path, weights: Weights | None, *, model_id: str) -> Path:
    """Write the model directory `target`, replacing what is there; metrics come with evaluation."""
    config, facts = load_config(run / "config.json"), json.loads((run / "config.json").read_text())
    head, calibration = load_head(run), load_calibration(run)
    if weights and weights.sha256 != facts["weights"]["sha256"]:
        raise ValueError("These are not the weights that the run was trained with.")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    attributes = load_attributes(run)
    graph = serving_graph(
        convert(network_of(run, config, weights), config.input_size),
        config.input_size,
        kernel=head.kernel,
        bias=head.bias,
        temperature=calibration.temperature,
        attributes=attributes,
    )
    save_graph(graph, target / GRAPH)
    for name in (STATISTICS, "config.json", "history.csv"):
        shutil.copyfile(run / name, target / name)
    write_manifest(
        target,
        {
            "format": FORMAT,
            "id": model_id,
            "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "classes": CLASSES,
            "input_size": config.input_size,
            "preprocessing": config.preprocessing,
            "precision": config.precision,
            "temperature": calibration.temperature,
            "softening": calibration.softening,
            "bias": [float(value) for value in head.bias],
            "feature_size": len(head.kernel),
            "attributes": ATTRIBUTES if attributes else {},
            "thresholds": asdict(calibration.thresholds),
            "data": facts["data"],
            "weights": facts["weights"],
            "code_version": facts["code_version"],
            "metrics": {},
        },
    )
    return target


def network_of(run: Path, config: TrainConfig, weights: Weights | None) -> "keras.Model":
    """The run's network, fine-tuned if it was."""
    base = backbone(config, weights)
    load_backbone(run, base)
    return base


def write_manifest(directory: Path, content: dict[str, Any]) -> None:
    """Write manifest.json with the hashes of the files that are there now."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    content["files"] = {
        path.relative_to(directory).as_posix(): file_sha256(path)
        for path in paths
        if path.name != FILE_NAME
    }
    part = directory / (FILE_NAME + ".part")
    part.write_text(dump_manifest(content))
    part.replace(directory / FILE_NAME)


def rewrite_manifest(directory: Path, **changes: Any) -> None:
    """The manifest again, for files that are others now; `changes` replace fields of it."""
    write_manifest(directory, json.loads((directory / FILE_NAME).read_text()) | changes)
