"""The second phase of a run: from a trained head to a fine-tuned, calibrated network.

Only pbc/train teaches with labels and only pbc/val chooses. Cells that nobody labelled may be
added: the run that is fine-tuned says what they are (ml.pseudo).
"""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classifier.inference.classes import CLASSES
from classifier.inference.preprocess import crop
from ml import pseudo
from ml.attribute_heads import train_attribute_heads
from ml.attributes import read_attributes, sampling_weights
from ml.augment import nuclear_stains
from ml.config import TrainConfig
from ml.data import Sample, labels, read_set
from ml.features import Extractor
from ml.head import Head, note_epoch, read_history
from ml.network import backbone, classifier, computing, get_head, set_heads
from ml.patches import patches
from ml.runs import (
    Calibration,
    backbone_sha256,
    describe_run,
    load_attributes,
    load_backbone,
    load_head,
    save_attributes,
    save_backbone,
    save_head,
)
from ml.train import calibrate
from ml.weights import Weights

if TYPE_CHECKING:
    import keras

    from ml.views import Cells


def fine_tune(
    config: TrainConfig,
    data: Path,
    weights: Weights | None,
    source: Path,
    run: Path,
    *,
    cache: Path,
    unlabelled: Sequence[Sample] = (),
) -> tuple[Head, Calibration]:
    """Fill `run` (see ml.runs), starting from the network and head of the run `source`.

    A run that stopped goes on with the epoch it was in.
    """
    from ml.fitting import fit

    train_set = read_set(data, "pbc", "train", limit=config.limit)
    val_set = read_set(data, "pbc", "val", limit=config.limit)
    run.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(run / "model", ignore_errors=True)
    sets = {"pbc/train": train_set, "pbc/val": val_set}
    if unlabelled:
        sets[unlabelled[0].name.split("/")[0]] = list(unlabelled)
    describe_run(run, config, weights, sets)
    going = (run / "backup").exists()
    if not going:
        shutil.copyfile(source / "history.csv", run / "history.csv")

    with computing(config):
        base = backbone(config, weights)
        load_backbone(source, base)
        network = classifier(config, base)
    start = load_head(source)
    set_heads(network, (start.kernel, start.bias), load_attributes(source))

    cells = known_cells(config, data, train_set, cache)
    stains = nuclear_stains(cells.patches)
    if unlabelled:
        others = patches(unlabelled, cache, what="unlabelled cells")
        stains = np.concatenate([stains, nuclear_stains(others)])
        cells = with_pseudo_labels(config, network, cells, others)
    crops = np.stack(
        [
            crop(s.rgb(), size=config.input_size, preprocessing=config.preprocessing).pixels
            for s in val_set
        ]
    )
    targets = {
        "label": np.eye(len(CLASSES), dtype=np.float32)[labels(val_set)],
        "attributes": read_attributes(data, val_set),
    }

    note = partial(note_epoch, run / "history.csv")
    fit(config, network, cells, (crops, targets), stains, on_epoch=note, backup=run / "backup")

    save_backbone(run, base)
    head = Head(*get_head(network), read_history(run / "history.csv"))
    save_head(run, head)
    plain_base = backbone(config, weights)
    load_backbone(run, plain_base)
    extractor = Extractor(plain_base, config, weights, cache, tuned=backbone_sha256(run))
    plain = extractor.features(train_set, what="pbc/train")
    found = extractor.features(val_set, what="pbc/val")
    # The heads that learnt beside the convolutions shaped them; those that serve are fitted anew.
    save_attributes(run, train_attribute_heads(config, plain, read_attributes(data, train_set)))
    known = (plain, labels(train_set))
    smoothing = config.fine_tune_smoothing
    calibration = calibrate(config, run, head, known, (found, val_set), smoothing=smoothing)
    shutil.rmtree(run / "backup", ignore_errors=True)
    return head, calibration


def known_cells(config: TrainConfig, data: Path, samples: Sequence[Sample], cache: Path) -> "Cells":
    from ml.views import Cells

    truth, attributes = labels(samples), read_attributes(data, samples)
    one_hot = np.eye(len(CLASSES), dtype=np.float32)[truth]
    return Cells(
        np.asarray(patches(samples, cache)),
        one_hot,
        attributes,
        sampling_weights(truth, attributes),
    )


def with_pseudo_labels(
    config: TrainConfig, network: "keras.Model", cells: "Cells", others: np.ndarray
) -> "Cells":
    """`cells`, and the surest of the unlabelled patches `others` as `pseudo_share` of each batch."""
    from ml.views import Cells

    said = pseudo.answers(
        network, others, size=config.input_size, views=config.pseudo_views, seed=config.seed
    )
    rows, soft = pseudo.choose(said, config.pseudo_most)
    unknown = np.zeros((len(rows), cells.attributes.shape[1]), np.float32)
    evenly = sampling_weights(soft.argmax(axis=1), unknown)
    share = config.pseudo_share
    return Cells(
        np.concatenate([cells.patches, others[rows]]),
        np.concatenate([cells.labels, soft]),
        np.concatenate([cells.attributes, unknown]),
        np.concatenate([(1 - share) * cells.weights, share * evenly]),
    )
