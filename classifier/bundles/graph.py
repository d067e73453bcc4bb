"""A model's graph and its constants, before the engine sees either.

The graph takes one picture and gives what the manifest says; graph.bin holds its constants, finite,
and nothing else.
"""

import math
from pathlib import Path

import numpy as np

from classifier.bundles.graph_xml import (
    LARGEST_SIDE,
    WHOLE,
    GraphRefusedError,
    Layer,
    read_graph,
    side_of,
)
from classifier.inference.errors import ModelError
from classifier.inference.manifest import CAM_SIZE, GRAPH, WEIGHTS, Manifest

_NUMBERS: dict[str, type[np.generic]] = {
    "f32": np.float32,
    "f16": np.float16,
    "i64": np.int64,
    "i32": np.int32,
    "i8": np.int8,
    "u8": np.uint8,
}


def require_graph(manifest: Manifest) -> None:
    """ModelError, in one sentence, unless graph.xml and graph.bin are what a model may be."""
    try:
        layers = read_graph(manifest.path(GRAPH))
        _check_ends(layers, manifest)
        _check_constants(layers, manifest.path(WEIGHTS))
    except OSError as error:
        raise ModelError(f"Model {manifest.id!r}: its graph cannot be read.") from error
    except GraphRefusedError as error:
        raise ModelError(f"Model {manifest.id!r}: {error}") from error


def _check_ends(layers: list[Layer], manifest: Manifest) -> None:
    """One input, a picture of bytes; and exactly the outputs that the manifest speaks of."""
    inputs = [layer for layer in layers if layer.kind == "Parameter"]
    if len(inputs) != 1 or inputs[0].data != {"shape": "?,?,?,3", "element_type": "u8"}:
        raise GraphRefusedError(
            "its graph must take one picture: any size, three channels of bytes."
        )
    classes = len(manifest.classes)
    expected = {
        "probabilities": [-1, classes],
        "logits": [-1, classes],
        "cams": [-1, CAM_SIZE, CAM_SIZE, classes],
        "features": [-1, manifest.feature_size],
    }
    if manifest.attributes:
        expected["attributes"] = [-1, sum(map(len, manifest.attributes.values()))]
    results = [layer for layer in layers if layer.kind == "Result"]
    found = {layer.outputs: layer.ports[0] if layer.ports else [] for layer in results}
    if found != expected or len(results) != len(expected):
        said = ", ".join(f"{name[:40] or 'unnamed'} {shape}" for name, shape in found.items())
        raise GraphRefusedError(f"its graph must give {_listed(expected)}; it gives {said[:300]}.")


def _listed(shapes: dict[str, list[int]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())


def _check_constants(layers: list[Layer], path: Path) -> None:
    """Each constant lies in graph.bin and is finite, and together they are all of it."""
    length = path.stat().st_size
    numbers = np.memmap(path, np.uint8, "r") if length else np.zeros(0, np.uint8)
    parts: set[tuple[int, int]] = set()
    for layer in layers:
        if layer.kind != "Const":
            continue
        start, size, kind = _place(layer)
        if start + size > length:
            raise GraphRefusedError(f"a constant of its graph lies outside of {WEIGHTS}.")
        values = np.frombuffer(numbers[start : start + size].tobytes(), kind)
        if values.dtype.kind == "f":
            if not np.isfinite(values).all():
                raise GraphRefusedError(f"{WEIGHTS} holds numbers that are not finite.")
        elif values.itemsize > 1 and not _small(values):
            raise GraphRefusedError("a whole number in its graph is larger than a model needs.")
        parts.add((start, start + size))
    end = 0
    for start, stop in sorted(parts):
        if start > end:
            break
        end = max(end, stop)
    if end != length:
        raise GraphRefusedError(f"{WEIGHTS} holds more than the constants of the graph.")


def _small(values: np.ndarray) -> bool:
    """Whether whole numbers are such as sizes, axes and places are."""
    return (
        not values.size or -LARGEST_SIDE <= int(values.min()) <= int(values.max()) <= LARGEST_SIDE
    )


def _place(layer: Layer) -> tuple[int, int, type[np.generic]]:
    """Where a constant begins, its bytes, and what kind of numbers it has."""
    offset, size = layer.data.get("offset", ""), layer.data.get("size", "")
    kind = _NUMBERS.get(layer.data.get("element_type", ""))
    sides = [side.strip() for side in layer.data.get("shape", "").split(",") if side.strip()]
    if kind is None or not WHOLE.fullmatch(offset) or not WHOLE.fullmatch(size):
        raise GraphRefusedError("a constant of its graph is not described as it must be.")
    count = math.prod(side_of(side) for side in sides)
    if count < 0 or count * np.dtype(kind).itemsize != int(size):
        raise GraphRefusedError("a constant of its graph has another size than its shape.")
    return int(offset), int(size), kind
