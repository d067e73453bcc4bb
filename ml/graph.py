"""OpenVINO graphs made from the Keras backbone: one for features, one that is served.

Served:   image (N, H, W, 3) uint8 -> probabilities (N, 5), logits (N, 5), cams (N, 8, 8, 5),
          features (N, F), attributes (N, WIDTH) where the run has such heads
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import openvino as ov
from openvino import opset13 as op

from classifier.inference.manifest import CAM_SIZE
from classifier.inference.openvino_runtime import INPUT
from ml.attributes import SIZES

if TYPE_CHECKING:
    import keras


def convert(base: "keras.Model", size: int) -> ov.Model:
    """The Keras backbone as an OpenVINO model: scaled pictures (N, size, size, 3) to maps."""
    with warnings.catch_warnings():
        # Keras dislikes that the converter calls it with a tuple of one tensor.
        warnings.simplefilter("ignore")
        return ov.convert_model(base, input=[[-1, size, size, 3]], verbose=False)


def features_graph(converted: ov.Model, size: int) -> tuple[ov.Model, list[ov.Output]]:
    """Uint8 pictures to pooled features (N, F), and the levels' maps inside of that graph.

    `converted` is taken apart. Any picture size is taken and resized in the graph; one that
    already has the right size (as the runtime's crops do) passes untouched.
    """
    image = op.parameter([-1, -1, -1, 3], ov.Type.u8, name=INPUT)
    image.output(0).get_tensor().set_names({INPUT})
    resized = op.interpolate(
        image,
        np.array([size, size], np.int64),
        mode="bilinear_pillow",
        shape_calculation_mode="sizes",
        pads_begin=[0, 0, 0, 0],
        pads_end=[0, 0, 0, 0],
        axes=np.array([1, 2], np.int64),
    )
    # Divided, not multiplied: 127.5 is exact in float16, its inverse is not.
    scaled = op.subtract(op.divide(op.convert(resized, "f32"), np.float32(127.5)), np.float32(1))
    converted.get_parameters()[0].output(0).replace(scaled.output(0))
    maps = [result.input_value(0) for result in converted.get_results()]
    pooled = [op.reduce_mean(level, np.array([1, 2], np.int64), keep_dims=False) for level in maps]
    features = op.concat(pooled, 1) if len(pooled) > 1 else pooled[0]
    return ov.Model([_named(features, "features")], [image], "features"), maps


def serving_graph(
    converted: ov.Model,
    size: int,
    *,
    kernel: np.ndarray,
    bias: np.ndarray,
    temperature: float,
    attributes: tuple[np.ndarray, np.ndarray] | None = None,
) -> ov.Model:
    """The whole served graph; `kernel` (F, 5) and `bias` (5,) act on the plain pooled features, and
    so does `attributes`, the kernel (F, WIDTH) and bias (WIDTH,) of the attribute heads."""
    model, maps = features_graph(converted, size)
    image = model.get_parameters()[0]
    features = model.output(0).get_node().input_value(0)
    kernel, bias = kernel.astype(np.float32), bias.astype(np.float32)

    # The dense layer is written as multiply and sum, which the engine keeps in float32; a matrix
    # product it would round to bfloat16, and 0.01 of a logit is lost.
    products = op.multiply(op.unsqueeze(features, np.int64(2)), kernel[np.newaxis])
    logits = op.add(op.reduce_sum(products, np.array([1], np.int64), keep_dims=False), bias)
    probabilities = op.softmax(op.multiply(logits, np.float32(1 / temperature)), 1)
    cams = _class_activation_maps(maps, kernel, logits, bias)
    outputs = {
        "probabilities": probabilities,
        "logits": logits,
        "cams": cams,
        "features": features,
    }
    if attributes is not None:
        outputs["attributes"] = _attributes(features, *attributes)
    results = [_named(node, name) for name, node in outputs.items()]
    return ov.Model(results, [image], "teleheme")


def _attributes(features: ov.Output, kernel: np.ndarray, bias: np.ndarray) -> ov.Node:
    """(N, WIDTH): a softmax of its own for each attribute, side by side."""
    logits = op.add(op.matmul(features, kernel.astype(np.float32), False, False), bias)
    parts = op.variadic_split(logits, np.int64(1), np.array(SIZES, np.int64))
    return op.concat([op.softmax(part, 1) for part in parts.outputs()], 1)


def _class_activation_maps(
    maps: list[ov.Output], kernel: np.ndarray, logits: ov.Node, bias: np.ndarray
) -> ov.Node:
    """(N, 8, 8, 5): the exact share of each place in each logit (Zhou et al., arXiv:1512.04150).

    Averaging and the dense layer are both linear, so they may change places: weigh the channels
    first, then average. Levels of another size than 8 are resampled so that their mean stays.
    """
    total, first = None, 0
    for level in maps:
        side, channels = level.partial_shape[1].get_length(), level.partial_shape[3].get_length()
        weights = kernel[first : first + channels]
        first += channels
        shares = op.matmul(level, weights, False, False)
        matrix = area_matrix(side, CAM_SIZE)
        # (N, side, side, 5) -> (N, 5, side, side) for the products R A R', and back.
        planes = op.transpose(shares, np.array([0, 3, 1, 2], np.int64))
        rows = op.matmul(matrix, planes, False, False)
        small = op.matmul(rows, matrix, False, True)
        shares = op.transpose(small, np.array([0, 2, 3, 1], np.int64))
        total = shares if total is None else op.add(total, shares)
    # In bfloat16 the sums above are off by about 0.01; the missing part is spread evenly, so that
    # mean + bias is the logit in every precision.
    mean = op.reduce_mean(total, np.array([1, 2], np.int64), keep_dims=False)
    missing = op.subtract(op.subtract(logits, bias), mean)
    return op.add(total, op.unsqueeze(missing, np.array([1, 2], np.int64)))


def area_matrix(source: int, target: int) -> np.ndarray:
    """(target, source) float32: each row averages the part of the source its cell covers.

    Rows sum to 1 and columns to target/source, hence the mean of R A R' is the mean of A.
    """
    edges = np.arange(target + 1) * source / target
    low = np.maximum(edges[:-1, np.newaxis], np.arange(source))
    high = np.minimum(edges[1:, np.newaxis], np.arange(source) + 1)
    return (np.maximum(high - low, 0) * target / source).astype(np.float32)


def save_graph(model: ov.Model, path: Path) -> None:
    """Write xml and bin, constants as float16 (half the size; the loss is measured at export)."""
    ov.save_model(model, path, compress_to_fp16=True)


def _named(node: "ov.Node | ov.Output", name: str) -> ov.Node:
    result = op.result(node)
    output = node if isinstance(node, ov.Output) else node.output(0)
    output.get_tensor().add_names({name})
    return result
