"""What TeleHeme says about one cell, and how the figures of a model become that."""

from dataclasses import dataclass, field

import numpy as np

from classifier.inference.embedding import embedding_of
from classifier.inference.indist import InDistribution, excess
from classifier.inference.manifest import Manifest
from classifier.inference.preprocess import Box
from classifier.inference.quality import Quality
from classifier.inference.reasons import (
    BLANK,
    BLURRED,
    LOW_CONFIDENCE,
    NO_CELL,
    OUT_OF_DISTRIBUTION,
)
from classifier.inference.runtime import RawOutput


@dataclass(frozen=True)
class Attribute:
    """One thing that the model sees about the cell, such as granule_colour: red."""

    name: str
    value: str
    probability: float


@dataclass(frozen=True)
class CellResult:
    label: str
    """The most probable class, also when abstained."""
    confidence: float
    """Its calibrated probability."""
    probabilities: tuple[float, ...]
    """Five, calibrated, in the order of CLASSES."""
    classes: tuple[str, ...]
    in_distribution: float
    """0-1; see InDistribution.score."""
    abstained: bool
    reasons: tuple[str, ...]
    """Codes of classifier.inference.reasons; empty unless abstained."""
    cam: bytes
    """64 bytes, 8x8 by rows: class-activation map of the label, 0-255 from cam_low to cam_high."""
    cam_low: float
    cam_high: float
    box: Box
    """The part of the source picture that the map covers, in source pixels."""
    model_id: str
    model_sha256: str
    precision: str
    milliseconds: float
    """Decoding, cropping and network, of this picture alone."""
    attributes: tuple["Attribute", ...] = ()
    """The most probable value of each of the manifest's attributes."""
    embedding: bytes = field(default=b"", compare=False, repr=False)
    """K float16, little-endian: where the cell lies (indist.Place.whitened), to find its like."""
    features: np.ndarray | None = field(default=None, compare=False, repr=False)
    """(feature_size,) float32, if asked for."""

    @property
    def by_class(self) -> dict[str, float]:
        return dict(zip(self.classes, self.probabilities, strict=True))


def judge(
    raw: RawOutput,
    *,
    quality: Quality,
    box: Box,
    manifest: Manifest,
    statistics: InDistribution,
    precision: str,
    milliseconds: float,
    found: bool = True,
    keep_features: bool = False,
) -> CellResult:
    """Turn one output into a result: label, scores, and whether to abstain and why.

    `found` is Crop.found: where no white cell was seen, the label is of no cell.
    """
    place = statistics.place(raw.features)
    score = place.score
    probabilities = tempered(raw, manifest, score)
    best = int(np.argmax(raw.logits))
    confidence = float(probabilities[best])
    limits = manifest.thresholds
    checks = (
        (BLANK, quality.contrast, limits.contrast),
        (NO_CELL, float(found), 1.0),
        (BLURRED, quality.sharpness, limits.sharpness),
        (OUT_OF_DISTRIBUTION, score, limits.in_distribution),
        (LOW_CONFIDENCE, confidence, limits.confidence),
    )
    # "not at least", so that a NaN abstains as well.
    reasons = tuple(code for code, value, least in checks if not value >= least)
    cam, low, high = quantise(raw.cams[:, :, best])
    return CellResult(
        label=manifest.classes[best],
        confidence=confidence,
        probabilities=tuple(float(value) for value in probabilities),
        classes=manifest.classes,
        in_distribution=score,
        abstained=bool(reasons),
        reasons=reasons,
        cam=cam,
        cam_low=low,
        cam_high=high,
        box=box,
        model_id=manifest.id,
        model_sha256=manifest.sha256,
        precision=precision,
        milliseconds=milliseconds,
        attributes=read_attributes(raw.attributes, manifest),
        embedding=embedding_of(place.whitened),
        features=raw.features if keep_features else None,
    )


def tempered(raw: RawOutput, manifest: Manifest, score: float) -> np.ndarray:
    """(5,) probabilities, the softer the less the cell is like the training cells.

    A network is as sure of strange cells as of its own, and right less often. So its temperature
    is multiplied by 1 + softening * excess distance (after Tomani et al. 2023, density-aware
    calibration, arXiv:2302.05118).
    """
    if not manifest.softening:
        return raw.probabilities
    rise = 1 + manifest.softening * excess(score)
    scaled = raw.logits / np.float32(manifest.temperature * rise)
    powers = np.exp(scaled - scaled.max())
    return powers / powers.sum()


def read_attributes(probabilities: np.ndarray | None, manifest: Manifest) -> tuple[Attribute, ...]:
    """The graph's side-by-side distributions as named values."""
    if probabilities is None:
        return ()
    found, first = [], 0
    for name, values in manifest.attributes.items():
        own = probabilities[first : first + len(values)]
        best = int(np.argmax(own))
        found.append(Attribute(name, values[best], float(own[best])))
        first += len(values)
    return tuple(found)


def quantise(cam: np.ndarray) -> tuple[bytes, float, float]:
    """An (8, 8) map to 64 bytes and the values that 0 and 255 stand for."""
    low, high = float(cam.min()), float(cam.max())
    steps = np.rint((cam - low) * (255.0 / max(high - low, 1e-9)))
    return steps.astype(np.uint8).tobytes(), low, high
