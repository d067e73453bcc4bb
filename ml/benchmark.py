"""How fast model directories are on this machine, and what they take: pictures a second and memory.

Models take turns, round after round, so that a busy minute of the machine does not fall on one of
them alone; each figure is the best of its rounds, because other work only ever makes it slower.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from classifier.inference.manifest import GRAPH, STATISTICS, WEIGHTS
from classifier.inference.model import Model, load_model
from ml.data import read_set
from ml.footprint import Footprint, footprint
from ml.phantoms import LABELS, draw_cell

BATCH = 16  # pictures a task, as the worker gets them
PICTURES = 160
ALONE = 40  # pictures asked one by one, a round
# The product's own form of PNG, so that it is opened in the product's own way (own_png).
AS_STORED = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_ZLIBBUFFER_SIZE, 1 << 20),
)
INSTRUCTIONS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


@dataclass(frozen=True)
class Speed:
    model: str
    precision: str
    """As asked for."""
    computed: str
    """As this processor could do it."""
    engine: float
    """Pictures a second, crops in memory, the engine kept busy."""
    pipeline: float
    """Pictures a second, from stored PNG to finished result."""
    latency_p50_ms: float
    latency_p95_ms: float
    """One picture alone, from stored PNG to finished result."""
    ready_s: float
    resident_mb: float
    """Of a fresh process that imports, loads, and classifies a few pictures."""
    size_mb: float
    """Of the files that serving reads."""


def compare(
    targets: Sequence[tuple[Path, str | None]],
    pictures: Sequence[bytes],
    *,
    rounds: int = 5,
    threads: int | None = None,
) -> list[Speed]:
    """Measure (model directory, precision or None for its own) each; `pictures` as stored.

    ModelError where a directory is no model, or an int8 one is asked for another precision.
    """
    threads = threads or len(os.sched_getaffinity(0))
    models = [load_model(path, threads=threads, precision=wanted) for path, wanted in targets]
    taken = [_apart(path, wanted, threads, pictures[:8]) for path, wanted in targets]
    alone = [one_by_one(model, pictures[:ALONE]) for model in models]
    works = [work(model, pictures) for model in models for work in (engine, pipeline)]
    rates, halves, tails = [0.0] * len(works), [np.inf] * len(models), [np.inf] * len(models)
    for _ in tqdm(range(rounds), desc="rounds", unit="round"):
        for place, rate in enumerate(best_rates(*works, rounds=1)):
            rates[place] = max(rates[place], rate)
        for place, ask in enumerate(alone):
            half, tail = np.percentile(ask(), (50, 95))
            halves[place], tails[place] = min(halves[place], half), min(tails[place], tail)
    return [
        Speed(
            model=model.id,
            precision=wanted or model.manifest.precision,
            computed=model.precision,
            engine=rates[2 * place],
            pipeline=rates[2 * place + 1],
            latency_p50_ms=float(halves[place]),
            latency_p95_ms=float(tails[place]),
            ready_s=taken[place].ready_s,
            resident_mb=taken[place].resident_mb,
            size_mb=sum((path / name).stat().st_size for name in (GRAPH, WEIGHTS, STATISTICS))
            / 1e6,
        )
        for place, ((path, wanted), model) in enumerate(zip(targets, models, strict=True))
    ]


def _apart(path: Path, precision: str | None, threads: int, pictures: Sequence[bytes]) -> Footprint:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(footprint, str(path), precision, threads, list(pictures)).result()


def best_rates(*works: Callable[[], int], rounds: int = 5) -> list[float]:
    """Pictures a second of each one's fastest round; each returns how many it did."""
    rates = [0.0] * len(works)
    for _ in range(rounds):
        for place, work in enumerate(works):
            begin = time.perf_counter()
            count = work()
            rates[place] = max(rates[place], count / (time.perf_counter() - begin))
    return rates


def engine(model: Model, pictures: Sequence[bytes]) -> Callable[[], int]:
    """The graph alone on crops already in memory; warm when this returns."""
    crops = [model.prepare(data).crop.pixels for data in pictures]

    def work() -> int:
        running: deque = deque()
        for pixels in crops:
            if len(running) == model.runtime.slots:
                running.popleft().result()
            running.append(model.runtime.start(pixels))
        while running:
            running.popleft().result()
        return len(crops)

    work()
    return work


def pipeline(model: Model, pictures: Sequence[bytes]) -> Callable[[], int]:
    """PNG as stored to finished results, in batches of 16; warm when this returns."""

    def work() -> int:
        done = 0
        for first in range(0, len(pictures), BATCH):
            batch = enumerate(pictures[first : first + BATCH])
            done += sum(item.result is not None for item in model.pipeline(batch))
        return done

    work()
    return work


def one_by_one(model: Model, pictures: Sequence[bytes]) -> Callable[[], list[float]]:
    """Milliseconds of each picture, asked when the one before is answered."""

    def work() -> list[float]:
        found = []
        for data in pictures:
            begin = time.perf_counter()
            model.classify(data)
            found.append((time.perf_counter() - begin) * 1e3)
        return found

    return work


def stored_pictures(data: Path | None, count: int = PICTURES) -> list[bytes]:
    """Validation pictures, or drawn ones, as the product stores them."""
    if data is None:
        return [stored(draw_cell(LABELS[seed % len(LABELS)], seed).image) for seed in range(count)]
    samples = read_set(data, "pbc", "val")
    chosen = samples[:: max(1, len(samples) // count)][:count]
    return [stored(sample.rgb()) for sample in chosen]


def stored(rgb: np.ndarray) -> bytes:
    """A (height, width, 3) uint8 picture as PNG."""
    return cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), AS_STORED)[1].tobytes()


def machine() -> dict[str, Any]:
    """The processor, what OpenVINO says it can do, and which wide instructions it has."""
    import openvino as ov

    core = ov.Core()
    flags = set(Path("/proc/cpuinfo").read_text().split())
    return {
        "processor": core.get_property("CPU", "FULL_DEVICE_NAME").strip(),
        "capabilities": sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
        "instructions": [name for name in INSTRUCTIONS if name in flags],
    }
