"""A loaded model: verified manifest, engine and statistics, ready to be asked."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from classifier.inference.errors import ModelError
from classifier.inference.indist import InDistribution, load_statistics
from classifier.inference.manifest import STATISTICS, Manifest, load_manifest
from classifier.inference.preprocess import Crop, crop, decode
from classifier.inference.quality import Quality, measure
from classifier.inference.result import CellResult, judge
from classifier.inference.runtime import Pending, Runtime

if TYPE_CHECKING:
    from classifier.inference.pipeline import Item, Job

Key = TypeVar("Key")


class Prepared:
    """One picture, decoded and cropped, with the time that took."""

    def __init__(self, model: "Model", picture: bytes | np.ndarray) -> None:
        begin = time.perf_counter()
        rgb = decode(picture) if isinstance(picture, bytes | bytearray | memoryview) else picture
        manifest = model.manifest
        self.crop: Crop = crop(rgb, size=manifest.input_size, preprocessing=manifest.preprocessing)
        self.quality: Quality = measure(self.crop.pixels)
        self.milliseconds = (time.perf_counter() - begin) * 1e3


class Model:
    """Thread-safe. Hold one a process: it keeps about 100 MB."""

    def __init__(self, manifest: Manifest, runtime: Runtime, statistics: InDistribution) -> None:
        self.manifest = manifest
        self.runtime = runtime
        self.statistics = statistics

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def precision(self) -> str:
        """What is computed with; f32 where the processor cannot do what the manifest says."""
        return self.runtime.precision

    def prepare(self, picture: bytes | np.ndarray) -> Prepared:
        """Decode (if bytes) and crop one RGB picture; UnreadableImageError if it cannot be."""
        return Prepared(self, picture)

    def start(self, prepared: Prepared) -> Pending:
        return self.runtime.start(prepared.crop.pixels)

    def finish(
        self, prepared: Prepared, pending: Pending, *, keep_features: bool = False
    ) -> CellResult:
        raw = pending.result()
        return judge(
            raw,
            quality=prepared.quality,
            box=prepared.crop.box,
            manifest=self.manifest,
            statistics=self.statistics,
            precision=self.precision,
            milliseconds=prepared.milliseconds + raw.milliseconds,
            found=prepared.crop.found,
            keep_features=keep_features,
        )

    def classify(self, picture: bytes | np.ndarray, *, keep_features: bool = False) -> CellResult:
        """One picture, encoded or (height, width, 3) uint8 RGB; UnreadableImageError if it is
        neither."""
        prepared = self.prepare(picture)
        return self.finish(prepared, self.start(prepared), keep_features=keep_features)

    def pipeline(
        self, jobs: "Iterable[Job[Key]]", *, decoders: int = 2, keep_features: bool = False
    ) -> "Iterator[Item[Key]]":
        """Many pictures, in order; see classifier.inference.pipeline."""
        from classifier.inference.pipeline import pipeline

        return pipeline(jobs, self, decoders=decoders, keep_features=keep_features)


def load_model(
    directory: Path | str,
    *,
    threads: int | None = None,
    streams: int | None = None,
    precision: str | None = None,
) -> Model:
    """Verify a model directory and compile its graph (about half a second); ModelError if amiss.

    `threads`: processor threads in all, default those this process may use; `streams`: pictures
    computed side by side, default one a thread; `precision`: another arithmetic than the manifest's,
    to compare with (an int8 graph has none but its own).
    """
    # OpenVINO is loaded here and not at import, so that a web process can read manifests
    # without it.
    from classifier.inference.openvino_runtime import OpenVINORuntime

    manifest = load_manifest(directory)
    if precision is not None and precision != manifest.precision:
        if "int8" in (precision, manifest.precision):
            raise ModelError(f"Model {manifest.id!r} is {manifest.precision}, not {precision}.")
        manifest = replace(manifest, precision=precision)
    statistics = load_statistics(
        manifest.path(STATISTICS),
        features=manifest.feature_size,
        classes=len(manifest.classes),
    )
    return Model(manifest, OpenVINORuntime(manifest, threads=threads, streams=streams), statistics)
