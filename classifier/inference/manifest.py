"""A model directory's manifest: what the model is, and proof that its files are those it names.

    graph.xml graph.bin   OpenVINO IR: the network, temperature and class-activation maps
    indist.npz            statistics of the in-distribution score (plain arrays, never pickles)
    manifest.json         this file; its own SHA-256 is the model's identity
    MODEL_CARD.md, config.json, history.csv, metrics.json, figures/   for people

Nothing named here can run code when it is loaded.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from classifier.inference.classes import CLASSES
from classifier.inference.errors import ModelError
from classifier.inference.preprocess import CROPPERS

FORMAT = 1
FILE_NAME = "manifest.json"
GRAPH, WEIGHTS, STATISTICS = "graph.xml", "graph.bin", "indist.npz"
PRECISIONS = ("f32", "bf16", "int8")
CAM_SIZE = 8
SIZE_RANGE = (32, 1024)
MANIFEST_LIMIT = 1 << 20  # bytes; a real one has a few thousand


@dataclass(frozen=True)
class Thresholds:
    """A result abstains when its figure is below the threshold."""

    confidence: float
    in_distribution: float
    contrast: float = 0.0
    sharpness: float = 0.0


@dataclass(frozen=True)
class Manifest:
    id: str
    classes: tuple[str, ...]
    input_size: int
    """Pixels a side of the square crop that the graph is given."""
    preprocessing: str
    precision: str
    """f32 and bf16 are the same graph, computed differently; an int8 graph was quantised for it."""
    temperature: float
    """Of the graph's probabilities, for cells like the training cells."""
    bias: tuple[float, ...]
    """Of the dense layer: mean over the map of class c, plus bias[c], is the logit of c."""
    feature_size: int
    thresholds: Thresholds
    files: Mapping[str, str]
    """Relative POSIX path -> SHA-256 (hex) of every file but the manifest."""
    softening: float = 0.0
    """How much the temperature rises for cells unlike the training cells: see result.tempered."""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name -> values, in the order of the graph's output of that name; empty if it has none."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Any] = field(default_factory=dict)
    code_version: str = ""
    created: str = ""
    format: int = FORMAT
    directory: Path = Path()
    sha256: str = ""
    """SHA-256 (hex) of manifest.json: pins every file, threshold and figure above."""

    def path(self, name: str) -> Path:
        return self.directory / name


def file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load_manifest(directory: Path | str) -> Manifest:
    """Read and verify a model directory; ModelError, in one sentence, if anything is amiss."""
    directory = Path(directory)
    manifest = read_manifest(directory)
    _check_files(manifest)
    return manifest


def read_manifest(directory: Path | str) -> Manifest:
    """Read and check manifest.json alone, without hashing the files it names (for lists)."""
    directory = Path(directory)
    path = directory / FILE_NAME
    try:
        raw = path.read_bytes()
        if len(raw) > MANIFEST_LIMIT:
            raise ModelError(f"{path} is too large to be a manifest.")
        content = json.loads(raw)
    except OSError as error:
        raise ModelError(
            f"{directory} is not a model directory: {FILE_NAME} is missing."
        ) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path} is not valid JSON.") from error
    try:
        manifest = _build(content, directory, hashlib.sha256(raw).hexdigest())
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path} lacks a field or has one of the wrong kind: {error}.") from error
    _check_values(manifest)
    return manifest


def _build(content: Mapping[str, Any], directory: Path, sha256: str) -> Manifest:
    known = {name for name in Manifest.__dataclass_fields__ if name not in {"directory", "sha256"}}
    if unknown := sorted(set(content) - known):
        raise ModelError(f"The manifest has fields this version does not know: {unknown}.")
    values = dict(content)
    return Manifest(
        **{
            **values,
            "id": str(values["id"]),
            "classes": tuple(values["classes"]),
            "input_size": int(values["input_size"]),
            "feature_size": int(values["feature_size"]),
            "temperature": float(values["temperature"]),
            "softening": float(values.get("softening", 0.0)),
            "bias": tuple(float(value) for value in values["bias"]),
            "thresholds": Thresholds(**{k: float(v) for k, v in values["thresholds"].items()}),
            "attributes": {
                str(name): tuple(map(str, choices))
                for name, choices in values.get("attributes", {}).items()
            },
            "files": {str(k): str(v) for k, v in values["files"].items()},
            "directory": directory,
            "sha256": sha256,
        }
    )


def _check_values(manifest: Manifest) -> None:
    def need(condition: bool, sentence: str) -> None:
        if not condition:
            raise ModelError(f"Model {manifest.id!r}: {sentence}")

    low, high = SIZE_RANGE
    figures = (
        manifest.temperature,
        manifest.softening,
        *manifest.bias,
        *vars(manifest.thresholds).values(),
    )
    need(manifest.format == FORMAT, f"manifest format {manifest.format} is not {FORMAT}.")
    need(
        0 < len(manifest.id) <= 100 and all(c.isalnum() or c in "-._" for c in manifest.id),
        "the id may have letters, digits, '-', '.' and '_' only.",
    )
    need(
        manifest.classes == CLASSES,
        f"the classes must be {', '.join(CLASSES)}, in this order.",
    )
    need(low <= manifest.input_size <= high, f"the input size must be {low} to {high} pixels.")
    need(manifest.preprocessing in CROPPERS, f"unknown preprocessing {manifest.preprocessing!r}.")
    need(manifest.precision in PRECISIONS, f"unknown precision {manifest.precision!r}.")
    need(all(map(math.isfinite, figures)), "a number in the manifest is not finite.")
    need(manifest.temperature > 0, "the temperature must be above 0.")
    need(manifest.softening >= 0, "the softening must not be below 0.")
    need(len(manifest.bias) == len(CLASSES), "the bias must have one number a class.")
    need(0 < manifest.feature_size <= 65536, "the feature size must be 1 to 65536.")
    need(
        all(len(choices) >= 2 for choices in manifest.attributes.values()),
        "an attribute needs two values or more.",
    )
    need(
        {GRAPH, WEIGHTS, STATISTICS} <= set(manifest.files),
        f"{GRAPH}, {WEIGHTS} and {STATISTICS} must all be named.",
    )


def _check_files(manifest: Manifest) -> None:
    for name, expected in manifest.files.items():
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or "\\" in name:
            raise ModelError(f"Model {manifest.id!r}: the file name {name!r} leaves its directory.")
        path = manifest.path(name)
        if path.is_symlink() or not path.is_file():
            raise ModelError(f"Model {manifest.id!r}: the file {name} is missing.")
        if file_sha256(path) != expected:
            raise ModelError(
                f"Model {manifest.id!r}: the file {name} is not the one the manifest names "
                "(SHA-256 differs)."
            )


def dump_manifest(content: Mapping[str, Any]) -> str:
    """The text of a manifest.json, stable from run to run."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
