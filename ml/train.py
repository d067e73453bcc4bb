"""The training run, from pictures to a calibrated head; ml.export makes it a served model."""

import shutil
from collections.abc import Sequence
from functools import partial
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
from ml.data import Sample, labels, named, read_known
from ml.features import Extractor
from ml.head import Head, note_epoch, train_head, write_history
from ml.network import backbone
from ml.runs import (
    BACKBONE,
    Calibration,
    backbone_sha256,
    describe_run,
    load_backbone,
    origin,
    save_attributes,
    save_backbone,
    save_calibration,
    save_head,
)
from ml.watching import watched
from ml.weights import Weights


def train(
    config: TrainConfig,
    data: Path,
    weights: Weights | None,
    run: Path,
    *,
    cache: Path,
    source: Path | None = None,
) -> tuple[Head, Calibration]:
    """Fill `run` (see ml.runs). Only the training cells of `config.train_sets` teach and only the
    validation cells of `config.val_sets` choose. The network is that of the run `source`, or the
    one of the `weights`."""
    run.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(run / "model", ignore_errors=True)  # made from an earlier head
    train_set = read_known(data, config.train_sets, "train", limit=config.limit)
    val_set = read_known(data, config.val_sets, "val", limit=config.limit)
    train_name, val_name = named(config.train_sets, "train"), named(config.val_sets, "val")
    facts = {"started_from": origin(source)} if source else {}
    describe_run(run, config, weights, {train_name: train_set, val_name: val_set}, **facts)

    base = backbone(config, weights)
    (run / BACKBONE).unlink(missing_ok=True)
    if source:
        load_backbone(source, base)
        save_backbone(run, base)
    extractor = Extractor(base, config, weights, cache, tuned=backbone_sha256(run))
    plain = extractor.features(train_set, what=train_name)
    val = extractor.features(val_set, what=val_name)
    truth, val_truth = labels(train_set), labels(val_set)
    every, every_truth = plain, truth
    if config.views:
        more = extractor.features(train_set, views=config.views, what="augmented")
        every = np.concatenate([plain, more])
        every_truth = np.tile(truth, 1 + config.views)

    write_history(run / "history.csv", [])
    head = train_head(
        config,
        (every, every_truth),
        (val, val_truth),
        watched(config, run),
        on_epoch=partial(note_epoch, run / "history.csv"),
    )
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
    name = named(config.val_sets, "val")
    val, truth = extractor.features(val_set, what=name), labels(val_set)
    logits = head.logits(val)
    temperature = fit_temperature(logits, truth, smoothing=smoothing)
    statistics = fit_statistics(config, *known, val)
    statistics.save(run / "indist.npz")
    scores = np.array([statistics.score(row) for row in val])
    softening = 0.0
    if config.val_views:
        shifted = extractor.features(val_set, views=config.val_views, what=f"{name}, changed")
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
