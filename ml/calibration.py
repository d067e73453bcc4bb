"""Temperature, in-distribution statistics and abstention thresholds, all from train and val."""

import numpy as np

from classifier.inference.indist import InDistribution, excess
from classifier.inference.manifest import Thresholds
from classifier.inference.quality import Quality
from ml.config import TrainConfig
from ml.head import SPREAD_FLOOR

TEMPERATURES = np.exp(np.linspace(np.log(0.25), np.log(8.0), 3001))
SOFTENINGS = np.concatenate([[0], np.exp(np.linspace(np.log(0.01), np.log(10.0), 1001))])
# Pictures are called blank or blurred only well outside of what validation cells show.
CONTRAST_SHARE, SHARPNESS_SHARE = 0.25, 0.6


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """(N, C) to (N, C)."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(logits: np.ndarray, labels: np.ndarray, *, smoothing: float = 0.0) -> float:
    """The temperature of least validation loss (Guo et al. 2017, arXiv:1706.04599), at least 1.

    A good model makes one or two errors in a small validation split, and the loss then falls
    without limit as the temperature does: evidence for softening is believed, for sharpening not.
    Except where training with label `smoothing` held the logits down: it is undone as far as the
    loss says, at most to a quarter. The inverse is exact in float16, because the served graph
    stores that.
    """
    rows = np.arange(len(labels))
    tried = TEMPERATURES if smoothing else TEMPERATURES[TEMPERATURES >= 1]
    losses = [-np.log(softmax(logits, t)[rows, labels] + 1e-12).mean() for t in tried]
    best = tried[int(np.argmin(losses))]
    return 1.0 / float(np.float16(1.0 / best))


def fit_softening(
    logits: np.ndarray, labels: np.ndarray, scores: np.ndarray, temperature: float
) -> float:
    """How fast the temperature must rise with the distance from the training cells, by the loss on
    cells whose stain and camera were changed at random: logits (N, 5), labels and in-distribution
    scores (N,). See classifier.inference.result.tempered."""
    rows = np.arange(len(labels))
    distances = np.array([excess(score) for score in scores])
    losses = []
    for tried in SOFTENINGS:
        rise = temperature * (1 + tried * distances)
        said = softmax(logits / rise[:, np.newaxis])
        losses.append(-np.log(said[rows, labels] + 1e-12).mean())
    return round(float(SOFTENINGS[int(np.argmin(losses))]), 3)


def fit_statistics(
    config: TrainConfig, features: np.ndarray, labels: np.ndarray, val: np.ndarray
) -> InDistribution:
    """From training features (N, F) and their groups (N,), which are the classes, or the classes of
    each laboratory apart; `val` (M, F) only sets the units."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + SPREAD_FLOOR
    standard = (features - mean) / spread
    _, directions = np.linalg.eigh(standard.T @ standard / len(standard))
    size = min(config.components, len(features) // 4, features.shape[1])
    components = directions[:, ::-1][:, :size].astype(np.float16).astype(np.float32)
    inside = standard @ components
    classes = np.unique(labels)
    centres = np.stack([inside[labels == label].mean(axis=0) for label in classes])
    offsets = inside - centres[np.searchsorted(classes, labels)]
    covariance = offsets.T @ offsets / len(offsets)
    covariance += config.shrinkage * np.trace(covariance) / size * np.eye(size)
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    statistics = InDistribution(
        mean=mean.astype(np.float32),
        scale=(1 / spread).astype(np.float32),
        components=components,
        whitening=whitening.astype(np.float32),
        centres=(centres @ whitening).astype(np.float32),
        scales=np.ones(2, np.float32),
    )
    medians = np.median([statistics.distances(row) for row in val], axis=0)
    return InDistribution(**{**vars(statistics), "scales": medians.astype(np.float32)})


def fit_thresholds(
    config: TrainConfig,
    confidences: np.ndarray,
    scores: np.ndarray,
    qualities: list[Quality],
) -> Thresholds:
    """From validation cells alone, of which each of the two scores gives up its allowed share."""
    strange = config.abstain_share * config.in_distribution_share
    unsure = config.abstain_share - strange
    return Thresholds(
        confidence=round(float(np.quantile(confidences, unsure)), 6),
        in_distribution=round(float(np.quantile(scores, strange)), 6),
        contrast=round(CONTRAST_SHARE * min(quality.contrast for quality in qualities), 4),
        sharpness=round(SHARPNESS_SHARE * min(quality.sharpness for quality in qualities), 5),
    )
