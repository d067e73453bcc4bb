"""Back from a model directory to a run that can be fine-tuned: what ships is all that is needed.

An exported graph holds each convolution with its BatchNorm folded in. BatchNorm never moves here
(see ml.network), so its part is known from the ImageNet weights and can be taken out again; what
is lost is the rounding to float16, which the graph has gone through already.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import openvino as ov

from classifier.inference.errors import ModelError
from classifier.inference.manifest import FILE_NAME, GRAPH, load_manifest
from classifier.inference.openvino_runtime import ATTRIBUTES, INPUT
from ml.config import load_config
from ml.head import Head, read_history
from ml.network import backbone
from ml.runs import save_attributes, save_backbone, save_head
from ml.weights import Weights

if TYPE_CHECKING:
    import keras

# Of the features' spread: biases are rounded to float16 in the graph; other weights are off by 1.
TOLERANCE = 0.05


def is_model(folder: Path) -> bool:
    """Whether this is a model directory and not a run."""
    return (folder / FILE_NAME).is_file()


def restore_run(directory: Path, run: Path, weights: Weights | None) -> Path:
    """Write into `run` what fine_tune_model reads of a run: network, heads, options, history.

    ModelError if the directory is damaged, if its network is not InceptionV3 as ml.network builds
    it, or if `weights` are not the ImageNet weights that it began with.
    """
    manifest = load_manifest(directory)
    config = load_config(directory / "config.json")
    base = backbone(config, weights)
    graph = ov.Core().read_model(directory / GRAPH)
    features = graph.output("features").get_node().input_value(0).get_node()
    pairs = list(_keras_convolutions(base))
    kernels = list(_folded_kernels(features, len(base.outputs)))
    if len(pairs) != len(kernels):
        raise ModelError(f"{directory} holds {len(kernels)} convolutions, not {len(pairs)}.")
    for (batch_norm, layer), kernel in zip(pairs, kernels, strict=True):
        if kernel.shape != tuple(layer.kernel.shape):
            raise ModelError(f"{directory} does not hold the network that {layer.name} is part of.")
        layer.kernel.assign(kernel / _scale(batch_norm))
    _check(base, graph, config.input_size, directory)

    run.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "history.csv"):
        shutil.copyfile(directory / name, run / name)
    save_backbone(run, base)
    kernel = _kernel_of(graph.output("logits"), "Multiply")[0]
    bias = np.array(manifest.bias, np.float32)
    save_head(run, Head(kernel, bias, read_history(run / "history.csv")))
    save_attributes(run, _attribute_heads(graph) if manifest.attributes else None)
    return run


def _scale(batch_norm: "keras.layers.BatchNormalization") -> np.ndarray:
    """(channels,) that the normalisation multiplies with; InceptionV3's has no gamma."""
    return 1 / np.sqrt(np.asarray(batch_norm.moving_variance) + batch_norm.epsilon)


def _keras_convolutions(base: "keras.Model") -> Iterator[tuple["keras.Layer", "keras.Layer"]]:
    """(BatchNormalization, Conv2D) pairs, in the order of a walk from the outputs backwards."""
    import keras

    seen = set()

    def walk(tensor: "keras.KerasTensor") -> Iterator[tuple["keras.Layer", "keras.Layer"]]:
        layer = tensor._keras_history.operation
        if layer in seen:
            return
        seen.add(layer)
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        if isinstance(layer, keras.layers.BatchNormalization):
            yield layer, layer.input._keras_history.operation
        if not isinstance(layer, keras.layers.InputLayer):
            for each in given:
                yield from walk(each)

    for output in base.outputs:
        yield from walk(output)


def _folded_kernels(features: ov.Node, levels: int) -> Iterator[np.ndarray]:
    """(height, width, in, out) each, in the order of the same walk."""
    seen = set()

    def walk(node: ov.Node) -> Iterator[np.ndarray]:
        if node.get_friendly_name() in seen or node.get_type_name() in {"Constant", "Parameter"}:
            return
        seen.add(node.get_friendly_name())
        if node.get_type_name() == "Convolution":
            yield _constant(node.input_value(1).get_node()).transpose(2, 3, 1, 0)
        for given in node.input_values():
            yield from walk(given.get_node())

    for place in range(levels):
        # One level alone is not concatenated with anything.
        yield from walk(features.input_value(place).get_node() if levels > 1 else features)


def _constant(node: ov.Node) -> np.ndarray:
    while node.get_type_name() != "Constant":  # float16 constants come through a conversion
        node = node.input_value(0).get_node()
    return np.array(node.get_data(), np.float32)


def _kernel_of(output: ov.Output, kind: str) -> np.ndarray:
    """The constant of the nearest node of this kind before `output`."""
    waiting = [output.get_node()]
    while waiting:
        node = waiting.pop(0)
        if node.get_type_name() == kind:
            return _constant(node.input_value(1).get_node())
        waiting += [given.get_node() for given in node.input_values()]
    raise ModelError(f"The graph has no {kind} where its head should be.")


def _attribute_heads(graph: ov.Model) -> tuple[np.ndarray, np.ndarray]:
    return _kernel_of(graph.output(ATTRIBUTES), "MatMul"), _kernel_of(
        graph.output(ATTRIBUTES), "Add"
    ).ravel()


def _check(base: "keras.Model", graph: ov.Model, size: int, directory: Path) -> None:
    """The network restored must say what the graph says; anything else is another network."""
    picture = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)
    maps = base(picture / np.float32(127.5) - 1, training=False)
    maps = maps if isinstance(maps, list | tuple) else [maps]
    found = np.concatenate([np.asarray(level).mean((1, 2)) for level in maps], 1)
    graph.reshape({INPUT: [1, size, size, 3]})
    engine = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = engine(picture)["features"]
    if np.abs(found - expected).max() > TOLERANCE * float(expected.std()):
        raise ModelError(
            f"{directory} was not made from these ImageNet weights: the network restored from it "
            "does not say what the model says."
        )
