"""An int8 graph from a float one: post-training quantisation of the convolutions by NNCF.

Weights and activations of every convolution become 8-bit integers (Jacob et al. 2018,
arXiv:1712.05877), their ranges measured on training crops. What comes before the first convolution
and behind the last one (scaling; averages, heads, class-activation maps, softmax) stays in float,
so that the maps still add up to the logits. Accuracy is controlled: where validation falls too far,
NNCF takes the layers that cost most back to float, one by one.
"""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from tqdm import tqdm

from classifier.inference.openvino_runtime import INPUT

FLOAT = {"INFERENCE_PRECISION_HINT": "f32"}  # as in NNCF's own validations, and as it is served
CONVOLUTION = "Convolution"
NO_WORK = ("Parameter", "Constant", "Convert", "Result")

Item = tuple[np.ndarray, int]
"""A crop (size, size, 3) uint8, and its label."""


def quantise(
    graph: Path, size: int, calibration: Sequence[np.ndarray], cells: Sequence[Item], drop: float
) -> tuple[ov.Model, dict[str, Any]]:
    """The quantised graph, and what was done, as quantisation.json keeps it.

    `calibration` are training crops (size, size, 3) uint8, `cells` validation cells. `drop` is how
    far the mean probability of the true class may fall on these: it moves with every cell, which
    accuracy does not.
    """
    import nncf

    nncf.set_log_level(logging.WARNING)
    seen: list[tuple[float, float]] = []

    shown = partial(tqdm, desc="validation", total=len(cells), unit="picture", delay=0.5)

    def validate(engine: ov.CompiledModel, items: Iterable[Item]) -> tuple[float, list[float]]:
        chosen, right = true_class(engine, shown(items))
        if len(chosen) == len(cells):  # not the one cell that NNCF tries this function on
            seen.append((float(np.mean(chosen)), float(np.mean(right))))
        return float(np.mean(chosen)), chosen

    source = ov.Core().read_model(graph)
    source.reshape({INPUT: [1, size, size, 3]})
    made = nncf.quantize_with_accuracy_control(
        source,
        nncf.Dataset([crop[np.newaxis] for crop in calibration]),
        nncf.Dataset(list(cells), lambda item: item[0][np.newaxis]),
        validate,
        max_drop=drop,
        subset_size=len(calibration),
        ignored_scope=nncf.IgnoredScope(names=kept_in_float(source)),
        advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
            ranking_subset_size=len(cells)
        ),
    )
    if len(seen) > 2:  # layers went back to float, and the last try need not be what is kept
        validate(ov.Core().compile_model(made, "CPU", FLOAT), cells)
    made.reshape({INPUT: [-1, -1, -1, 3]})
    probability, accuracy = zip(seen[0], seen[-1], strict=True)
    total, integer = convolutions(made)
    return made, {
        "by": f"nncf {version('nncf')}",
        "convolutions": total,
        "in_integers": integer,
        "calibration_cells": len(calibration),
        "validation_cells": len(cells),
        "allowed_drop": drop,
        "probability_of_truth": dict(zip(("float", "int8"), probability, strict=True)),
        "accuracy": dict(zip(("float", "int8"), accuracy, strict=True)),
    }


def true_class(engine: ov.CompiledModel, items: Iterable[Item]) -> tuple[list[float], list[bool]]:
    """Of each cell: the probability of its class, and whether that is the largest."""
    chosen, right = [], []
    for crop, label in items:
        probabilities = engine(crop[np.newaxis])["probabilities"][0]
        chosen.append(float(probabilities[label]))
        right.append(bool(probabilities.argmax() == label))
    return chosen, right


def kept_in_float(model: ov.Model) -> list[str]:
    """Names of the operations that no convolution follows, or none precedes; none of them is one."""
    nodes = [node for node in model.get_ordered_ops() if node.get_type_name() != CONVOLUTION]
    above = {
        node.get_name(): [port.get_source_output().get_node() for port in node.inputs()]
        for node in nodes
    }
    fed: set[str] = set()  # by a convolution
    for node in nodes:
        if any(
            each.get_name() not in above or each.get_name() in fed
            for each in above[node.get_name()]
        ):
            fed.add(node.get_name())
    feeding: set[str] = set()  # one
    for node in reversed(nodes):
        below = [port.get_node() for out in node.outputs() for port in out.get_target_inputs()]
        if any(each.get_name() not in above or each.get_name() in feeding for each in below):
            feeding.add(node.get_name())
    return [
        node.get_friendly_name()
        for node in nodes
        if node.get_name() not in fed & feeding and node.get_type_name() not in NO_WORK
    ]


def convolutions(model: ov.Model) -> tuple[int, int]:
    """How many there are, and how many of them have integer weights."""
    found = [node for node in model.get_ordered_ops() if node.get_type_name() == CONVOLUTION]
    return len(found), sum(_integer_weights(node) for node in found)


def _integer_weights(convolution: ov.Node) -> bool:
    node = convolution.input_value(1).get_node()
    while node.get_type_name() != "Constant":
        node = node.input_value(0).get_node()
    return node.get_element_type() == ov.Type.i8
