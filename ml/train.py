"""The training run, from pictures to a calibrated head; ml.export makes it a served model."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classifier.inference.indist import excess
from classifier.inference.preprocess import crop
from classifier.inference.quality import measure
from ml.attribute_heads import train_attribute_heads
from ml.attributes import read_attributes
from ml.calibration import (
    fit_softening,
    fit_statistics,
    fit_temperature,
    fit_thresholds,
    softmax,
)
from ml.config import TrainConfig
from ml.data import Sample, labels, read_set
from ml.features import Extractor
from ml.head import Head, train_head, write_history
from ml.network import backbone
from ml.runs import Calibration, describe_run, save_attributes, save_calibration, save_head
from ml.watching import watched
from ml.weights import Weights


def train(
    config: TrainConfig, data: Path, weights: Weights | None, run: Path, *, cache: Path
) -> tuple[Head, Calibration]:
    """Fill `run` (see ml.runs). Only pbc/train trains and only pbc/val chooses."""
    run.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(run / "model", ignore_errors=True)  # made from an earlier head
    train_set = read_set(data, "pbc", "train", limit=config.limit)
    val_set = read_set(data, "pbc", "val", limit=config.limit)
    describe_run(run, config, weights, {"pbc/train": train_set, "pbc/val": val_set})

    extractor = Extractor(backbone(config, weights), config, weights, cache)
    plain = extractor.features(train_set, what="pbc/train")
    val = extractor.features(val_set, what="pbc/val")
    truth, val_truth = labels(train_set), labels(val_set)
    every, every_truth = plain, truth
    if config.views:
        more = extractor.features(train_set, views=config.views, what="augmented")
        every = np.concatenate([plain, more])
        every_truth = np.tile(truth, 1 + config.views)

    head = train_head(config, (every, every_truth), (val, val_truth), watched(config, run))
    save_head(run, head)
    write_history(run / "history.csv", head.history)
    save_attributes(run, train_attribute_heads(config, plain, read_attributes(data, train_set)))
    calibration = calibrate(
        config, run, head, extractor, (plain, truth), val_set, smoothing=config.label_smoothing
    )
    return head, calibration


def calibrate(
    config: TrainConfig,
    run: Path,
    head: Head,
    extractor: Extractor,
    known: tuple[np.ndarray, np.ndarray],
    val_set: Sequence[Sample],
    *,
    smoothing: float,
) -> Calibration:
    """Temperature, softening, statistics and thresholds of a head on the network of `extractor`.

    `known` are training features (N, F) and their groups (N,), as in fit_statistics."""
    val, truth = extractor.features(val_set, what="pbc/val"), labels(val_set)
    logits = head.logits(val)
    temperature = fit_temperature(logits, truth, smoothing=smoothing)
    statistics = fit_statistics(config, *known, val)
    statistics.save(run / "indist.npz")
    scores = np.array([statistics.score(row) for row in val])
    softening = 0.0
    if config.val_views:
        shifted = extractor.features(val_set, views=config.val_views, what="pbc/val, changed")
        softening = fit_softening(
            head.logits(shifted),
            np.tile(truth, config.val_views),
            np.array([statistics.score(row) for row in shifted]),
            temperature,
        )
    rise = 1 + softening * np.array([excess(score) for score in scores])
    qualities = [
        measure(crop(s.rgb(), size=config.input_size, preprocessing=config.preprocessing).pixels)
        for s in val_set
    ]
    confidences = softmax(logits / rise[:, np.newaxis], temperature).max(axis=1)
    thresholds = fit_thresholds(config, confidences, scores, qualities)
    calibration = Calibration(temperature, thresholds, softening)
    save_calibration(run, calibration)
    return calibration
