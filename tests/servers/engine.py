"""A stand-in for the network, and nothing else: manifest, cropping, pipeline and judgement are real.

Its answer is a function of the picture's pixels alone. A picture of one even colour is an order
(green 0, blue = the order), so that a picture can misbehave on its own.
"""

import contextlib
import hashlib
import json
import os
import re
import signal
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from classifier.inference import CLASSES
from classifier.inference.indist import InDistribution, load_statistics
from classifier.inference.manifest import CAM_SIZE, Manifest, load_manifest
from classifier.inference.model import Model
from classifier.inference.preprocess import CROPPERS, crop, decode
from classifier.inference.runtime import RawOutput

SIZE = 64
FEATURES = 8
MODEL_ID = "test-model"
PREPROCESSING = next(iter(CROPPERS))
FINE, CRASH, HANG, MEMORY, NAN, CRASH_AFTER, STUCK = range(7)


def picture(seed: int, *, order: int = FINE) -> bytes:
    """A PNG of SIZE x SIZE whose pixels follow from the seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    if order:
        pixels[:] = (seed % 256, 0, order)
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()


def write_model(
    folder: Path, *, model_id: str = MODEL_ID, shift: float = 0.0, turned: int = 0, order: int = 0
) -> Path:
    """A model directory whose files have the hashes that its manifest names.

    ``turned``: it answers with the class so many places further on; ``order``: of every picture it
    behaves as of one that orders this.
    """
    directory = folder / model_id
    directory.mkdir(parents=True)
    (directory / "graph.xml").write_text(
        f"<net shift='{shift}' turned='{turned}' order='{order}'/>"
    )
    (directory / "graph.bin").write_bytes(bytes(16))
    _statistics().save(directory / "indist.npz")
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }
    content = {
        "id": model_id,
        "classes": list(CLASSES),
        "input_size": SIZE,
        "preprocessing": PREPROCESSING,
        "precision": "f32",
        "temperature": 1.0,
        "bias": [0.0] * len(CLASSES),
        "feature_size": FEATURES,
        "thresholds": {"confidence": 0.3, "in_distribution": 0.01},
        "files": files,
        "format": 1,
    }
    (directory / "manifest.json").write_text(json.dumps(content))
    return directory


def _statistics() -> InDistribution:
    one = np.ones(FEATURES, np.float32)
    two = np.eye(FEATURES, 2, dtype=np.float32)
    return InDistribution(
        mean=one * 0,
        scale=one,
        components=two,
        whitening=np.eye(2, dtype=np.float32),
        centres=np.zeros((len(CLASSES), 2), np.float32),
        scales=np.ones(2, np.float32),
    )


def load_model(directory: Path, *, threads: int | None = None) -> Model:
    manifest = load_manifest(directory)
    statistics = load_statistics(
        manifest.path("indist.npz"), features=FEATURES, classes=len(CLASSES)
    )
    return Model(manifest, Engine(manifest), statistics)


def require_fit(directory: Path | str, *, limits: object = None) -> float:
    """Hashes only: this engine has no graph that could be asked the golden set."""
    load_manifest(directory)
    return 0.0


def label_of(data: bytes) -> str:
    """The class that the engine will say for these PNG bytes."""
    seen = crop(decode(data), size=SIZE, preprocessing=PREPROCESSING)
    return CLASSES[int(np.argmax(_logits(seen.pixels)))]


def _even(pixels: np.ndarray) -> bool:
    return all(int(part.min()) == int(part.max()) for part in np.moveaxis(pixels, 2, 0))


def _order(pixels: np.ndarray) -> int:
    return int(pixels[0, 0, 2]) if _even(pixels) and pixels[0, 0, 1] == 0 else FINE


def _logits(pixels: np.ndarray) -> np.ndarray:
    digest = hashlib.sha256(pixels.tobytes()).digest()
    return np.frombuffer(digest[:5], np.uint8).astype(np.float32) / 40


class Engine:
    precision = "f32"
    slots = 2

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.seconds = float(os.environ.get("TEST_ENGINE_SECONDS", "0"))
        graph = (manifest.directory / "graph.xml").read_text()
        self.turned, self.order = (
            int(found[1]) if (found := re.search(rf"{name}='(\d+)'", graph)) else 0
            for name in ("turned", "order")
        )

    def start(self, pixels: np.ndarray) -> "Waiting":
        order = _order(pixels)
        if not _even(pixels):
            order = order or self.order
        if order == CRASH:
            os.kill(os.getpid(), signal.SIGKILL)
        if order == MEMORY:
            raise MemoryError
        return Waiting(pixels, order, self.seconds, self.turned)


class Waiting:
    def __init__(self, pixels: np.ndarray, order: int, seconds: float, turned: int = 0) -> None:
        self.pixels, self.order, self.seconds, self.turned = pixels, order, seconds, turned

    def result(self) -> RawOutput:
        if self.order == HANG:
            while True:
                time.sleep(60)
        while self.order == STUCK:
            with contextlib.suppress(BaseException):  # deaf to the soft limit, as native code is
                time.sleep(60)
        time.sleep(self.seconds)
        if self.order == CRASH_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)
        logits = np.roll(_logits(self.pixels), self.turned)
        exponents = np.exp(logits - logits.max())
        answer = RawOutput(
            probabilities=exponents / exponents.sum(),
            logits=logits,
            cams=np.broadcast_to(logits, (CAM_SIZE, CAM_SIZE, len(CLASSES))).copy(),
            features=np.full(FEATURES, 0.5, np.float32),
            milliseconds=1.0,
        )
        if self.order == NAN:
            return replace(answer, probabilities=answer.probabilities * np.float32("nan"))
        return answer
