"""Pooled features of the frozen network, computed once and kept on disk as float16.

They come from OpenVINO, in the precision that will serve: six times faster than Keras here, and
the head learns from the very numbers it will be asked about.
"""

import hashlib
import inspect
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import openvino as ov

from classifier.inference.openvino_runtime import INPUT
from classifier.inference.preprocess import crop
from ml import augment
from ml.config import TrainConfig
from ml.data import Sample, fingerprint
from ml.graph import convert, features_graph, save_graph
from ml.patches import patches
from ml.progress import tqdm
from ml.weights import Weights

if TYPE_CHECKING:
    import keras

SHAPING = ("input_size", "preprocessing", "levels", "precision", "seed")
BLOCK = 64  # pictures decoded ahead of the engine


class Extractor:
    """The frozen network as an engine for features; `cache` is a folder, made if need be."""

    def __init__(
        self,
        base: "keras.Model",
        config: TrainConfig,
        weights: Weights | None,
        cache: Path,
        *,
        tuned: str = "",
    ) -> None:
        """`tuned`: what identifies a network that is no longer the one of `weights`."""
        self.config = config
        self.cache = cache
        threads = len(os.sched_getaffinity(0))
        options = {
            "INFERENCE_PRECISION_HINT": config.precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
        }
        self._identity = {key: value for key, value in asdict(config).items() if key in SHAPING}
        self._identity["weights"] = weights.sha256 if weights else "random"
        self._identity["tuned"] = tuned
        core, size = ov.Core(), config.input_size
        with TemporaryDirectory() as folder:
            # Through a file, so that the constants are rounded exactly as in the served graph.
            path = Path(folder) / "features.xml"
            save_graph(features_graph(convert(base, size), size)[0], path)
            graph = core.read_model(path)
            graph.reshape({INPUT: [1, size, size, 3]})
            self._engine = core.compile_model(graph, "CPU", options)
        self._requests = 2 * threads
        self.size: int = self._engine.output(0).shape[1]

    def features(self, samples: Sequence[Sample], *, views: int = 0, what: str = "") -> np.ndarray:
        """(N * max(views, 1), F) float32: the pictures themselves, or `views` augmented copies.

        Copy v of sample i is row v * N + i. Read from the cache where that has them.
        """
        path = self.cache / f"{self._key(samples, views)}.npy"
        if path.is_file():
            return np.load(path, allow_pickle=False).astype(np.float32)
        total = len(samples) * max(views, 1)
        found = self.of(self._crops(samples, views), total, what=what).astype(np.float16)
        self.cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as stream:
            np.save(stream, found, allow_pickle=False)
        part.replace(path)
        return found.astype(np.float32)

    def of(self, crops: Iterable[np.ndarray], total: int, *, what: str = "") -> np.ndarray:
        """(total, F) float32 of so many crops (size, size, 3) uint8, kept nowhere."""
        found = np.zeros((total, self.size), np.float32)

        def keep(request: ov.InferRequest, row: int) -> None:
            found[row] = request.get_output_tensor(0).data[0]

        queue = ov.AsyncInferQueue(self._engine, self._requests)
        queue.set_callback(keep)
        with tqdm(total=total, desc=what or "features", unit="picture") as bar:
            for row, pixels in enumerate(crops):
                queue.start_async({INPUT: pixels[np.newaxis]}, row)
                bar.update()
            queue.wait_all()
        return found

    def _crops(self, samples: Sequence[Sample], views: int) -> Iterator[np.ndarray]:
        count, total = len(samples), len(samples) * max(views, 1)
        if views:
            cells = patches(samples, self.cache)
            stains = augment.nuclear_stains(cells)

        def prepare(row: int) -> np.ndarray:
            size = self.config.input_size
            if views:
                rng = np.random.default_rng([self.config.seed, row])
                return augment.view(cells[row % count], rng, size=size, stains=stains)
            rgb = samples[row % count].rgb()
            return crop(rgb, size=size, preprocessing=self.config.preprocessing).pixels

        with ThreadPoolExecutor(2) as pool:
            for begin in range(0, total, BLOCK):
                block = range(begin, min(begin + BLOCK, total))
                yield from pool.map(prepare, block)

    def _key(self, samples: Sequence[Sample], views: int) -> str:
        """Everything that the features depend on, the augmentation's own code included."""
        code = inspect.getsource(augment) if views else ""
        boxes = [sample.box for sample in samples]
        parts = [self._identity, fingerprint(samples), boxes, views, code]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
