"""Accuracy against speed: one network at several input sizes, precisions and numbers of views.

The network and its head stay as they are; a crop of another size shows the cell larger or smaller
than it learnt, which augmentation prepared it for. At the size it learnt at, several views of a
cell (turned, mirrored) are averaged too, and cost as often.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from classifier.inference.canonical import canonical_view
from ml.calibration import softmax
from ml.config import load_config
from ml.data import Sample, labels, read_set
from ml.export import network_of
from ml.features import Extractor
from ml.runs import backbone_sha256, load_head
from ml.weights import Weights

TURNS = ((0.0, False), (0.0, True), (90.0, False), (90.0, True))  # degrees, mirrored
ROUNDS, CROPS = 5, 64


@dataclass(frozen=True)
class Point:
    input_size: int
    precision: str
    views: int
    """Averaged, of each cell."""
    val: float
    """Accuracy on pbc/val, by which one may choose."""
    test: float
    """On pbc/test."""
    bccd: float
    """On the fields of BCCD with one white cell."""
    images_per_second: float
    """Of the engine alone, divided by the views."""


def measure(
    run: Path,
    data: Path,
    weights: Weights | None,
    *,
    sizes: Sequence[int],
    precisions: Sequence[str],
    cache: Path,
    limit: int = 0,
) -> list[Point]:
    """The points of a run (see ml.runs), whose crops must be of located cells."""
    config, head = load_config(run / "config.json"), load_head(run)
    sets = [
        read_set(data, "pbc", "val", limit=limit),
        read_set(data, "pbc", "test", limit=limit),
        read_set(data, "bccd_fields", limit=limit),
    ]
    points = []
    for size in sizes:
        for precision in precisions:
            changed = replace(config, input_size=size, precision=precision)
            extractor = Extractor(
                network_of(run, config, weights),
                changed,
                weights,
                cache,
                tuned=backbone_sha256(run),
            )
            rate = images_per_second(extractor, size)
            turns = TURNS if size == config.input_size else TURNS[:1]
            said = [
                np.stack(
                    [
                        softmax(head.logits(_features(extractor, samples, size, *turn)))
                        for turn in turns
                    ]
                )
                for samples in sets
            ]
            for views in (1, 2, 4)[: len(turns)]:
                val, test, bccd = (
                    float((each[:views].mean(axis=0).argmax(axis=1) == labels(samples)).mean())
                    for each, samples in zip(said, sets, strict=True)
                )
                points.append(Point(size, precision, views, val, test, bccd, rate / views))
    return points


def images_per_second(extractor: Extractor, size: int) -> float:
    """Of the fastest of some rounds over crops in memory."""
    crops = np.random.default_rng(0).integers(0, 256, (CROPS, size, size, 3), np.uint8)
    best = 0.0
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        extractor.of(crops, CROPS, what=f"speed at {size}")
        best = max(best, CROPS / (time.perf_counter() - begin))
    return best


def _features(
    extractor: Extractor, samples: Sequence[Sample], size: int, angle: float, flip: bool
) -> np.ndarray:
    def crops() -> Iterator[np.ndarray]:
        def crop(sample: Sample) -> np.ndarray:
            return canonical_view(sample.rgb(), size=size, angle=angle, flip=flip).pixels

        with ThreadPoolExecutor(2) as pool:
            for begin in range(0, len(samples), CROPS):
                yield from pool.map(crop, samples[begin : begin + CROPS])

    return extractor.of(crops(), len(samples), what=f"{samples[0].name.split('/')[0]} at {size}")


def table(points: Sequence[Point]) -> str:
    """Markdown."""
    lines = [
        "| input | precision | views | pbc/val | pbc/test | BCCD | images/s |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {p.input_size} | {p.precision} | {p.views} | {p.val:.4f} | {p.test:.4f} "
        f"| {p.bccd:.4f} | {p.images_per_second:.0f} |"
        for p in points
    ]
    return "\n".join(lines) + "\n"


def as_json(points: Sequence[Point]) -> list[dict[str, float | int | str]]:
    return [asdict(point) for point in points]
