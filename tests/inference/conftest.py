"""A small model directory with the real layout, made in a second and without TensorFlow."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from classifier.inference import CLASSES, Model, load_model
from classifier.inference.indist import InDistribution
from classifier.inference.preprocess import CENTRE
from ml.export import write_manifest
from ml.graph import save_graph, serving_graph

SIZE, CHANNELS = 64, (6, 10)
FEATURES = sum(CHANNELS)


def backbone(rng: np.random.Generator) -> ov.Model:
    """Two convolutions; the maps of both are levels, of 13 and 5 places a side: neither is 8."""
    image = op.parameter([-1, SIZE, SIZE, 3], ov.Type.f32)
    level, sources, maps = op.transpose(image, np.array([0, 3, 1, 2])), 3, []
    for channels, stride in zip(CHANNELS, (5, 3), strict=True):
        kernel = rng.normal(0, 0.5, (channels, sources, 3, 3)).astype(np.float32)
        level = op.relu(op.convolution(level, kernel, [stride] * 2, [1, 1], [1, 1], [1, 1]))
        maps.append(op.transpose(level, np.array([0, 2, 3, 1])))
        sources = channels
    return ov.Model([op.result(each) for each in maps], [image], "backbone")


def write_model(
    directory: Path,
    *,
    precision: str = "f32",
    seed: int = 5,
    network: Callable[[np.random.Generator], ov.Model] = backbone,
    **changes: object,
) -> Path:
    rng = np.random.default_rng(seed)
    directory.mkdir(parents=True)
    kernel = rng.normal(0, 1, (FEATURES, 5)).astype(np.float16)
    bias = rng.normal(0, 1, 5).astype(np.float16)
    graph = serving_graph(network(rng), SIZE, kernel=kernel, bias=bias, temperature=2.0)
    save_graph(graph, directory / "graph.xml")
    statistics = InDistribution(
        mean=np.zeros(FEATURES, np.float32),
        scale=np.ones(FEATURES, np.float32),
        components=np.eye(FEATURES, 4, dtype=np.float32),
        whitening=np.eye(4, dtype=np.float32),
        centres=rng.normal(0, 1, (5, 4)).astype(np.float32),
        scales=np.ones(2, np.float32),
    )
    statistics.save(directory / "indist.npz")
    content = {
        "format": 1,
        "id": directory.name,
        "created": "2026-11-23",
        "classes": CLASSES,
        "input_size": SIZE,
        "preprocessing": CENTRE,
        "precision": precision,
        "temperature": 2.0,
        "bias": [float(value) for value in bias],
        "feature_size": FEATURES,
        "thresholds": {"confidence": 0.0, "in_distribution": 0.0},
        "metrics": {},
        "data": {},
        "weights": {},
        "code_version": "test",
    }
    write_manifest(directory, {**content, **changes})
    return directory


@pytest.fixture
def model_directory(tmp_path: Path) -> Path:
    return write_model(tmp_path / "models" / "tiny")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(write_model(tmp_path_factory.mktemp("models") / "tiny"), threads=2)


@pytest.fixture
def pictures() -> list[np.ndarray]:
    """Forty RGB pictures of three different sizes."""
    rng = np.random.default_rng(11)
    sizes = [(80, 90), (64, 64), (120, 100)]
    return [rng.integers(0, 256, (*sizes[i % 3], 3), dtype=np.uint8) for i in range(40)]
