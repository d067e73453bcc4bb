"""What every engine that runs an exported graph offers."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from classifier.inference.manifest import Manifest


@dataclass(frozen=True)
class RawOutput:
    """One image's output, float32, in the class order of the manifest."""

    probabilities: np.ndarray
    """(5,), calibrated: the temperature is already applied."""
    logits: np.ndarray
    """(5,), before the temperature: cams.mean(over the map) + bias."""
    cams: np.ndarray
    """(8, 8, 5): how much each part of the crop adds to each class's logit."""
    features: np.ndarray
    """(feature_size,), globally average-pooled."""
    milliseconds: float
    attributes: np.ndarray | None = None
    """(sum of the manifest's attribute values,), a distribution for each, side by side."""


class Pending(Protocol):
    def result(self) -> RawOutput:
        """Wait for the image and return its output; call it exactly once."""


class Runtime(Protocol):
    """Results never depend on what else is being computed: one image is one request."""

    manifest: Manifest
    precision: str
    """Really used: differs from manifest.precision where the processor cannot do that natively."""
    slots: int
    """Requests worth having under way at the same time."""

    def start(self, pixels: np.ndarray) -> Pending:
        """Begin with one (size, size, 3) uint8 RGB crop; returns at once. Thread-safe."""
