"""The second phase of a run: from a trained head to a fine-tuned, calibrated network.

Only training cells teach with labels and only validation cells choose (pbc's, unless the options
name other sets). Cells of no class (pbc_other/val) teach to be unsure. Cells that nobody labelled may be added: the network that is fine-tuned says what they
are (ml.pseudo), at the start and again on the way.
"""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from classifier.inference.classes import CLASSES
from classifier.inference.preprocess import crop
from ml.attribute_heads import train_attribute_heads
from ml.attributes import read_attributes
from ml.augment import nuclear_stains
from ml.config import TrainConfig
from ml.data import Sample, labels, named, read_known, read_set
from ml.features import Extractor
from ml.head import FINE_TUNING, HEAD, Head, note_epoch, read_history
from ml.network import backbone, classifier, computing, get_head, set_heads
from ml.patches import patches
from ml.restore import is_model, restore_run
from ml.runs import (
    Calibration,
    backbone_sha256,
    describe_run,
    load_attributes,
    load_backbone,
    load_head,
    origin,
    save_attributes,
    save_backbone,
    save_head,
)
from ml.train import calibrate
from ml.watching import watched
from ml.weights import Weights

PSEUDO = "pseudo.npz"  # rows of the unlabelled cells that teach, and their labels


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
    """Fill `run` (see ml.runs), starting from the network and head of `source`: a run, or a model
    directory (ml.restore).

    A run that stopped goes on with the epoch it was in.
    """
    from ml import teaching
    from ml.fitting import fit

    train_set = read_known(data, config.train_sets, "train", limit=config.limit)
    val_set = read_known(data, config.val_sets, "val", limit=config.limit)
    other_set = read_set(data, "pbc_other", "val", limit=config.limit) if config.other_share else []
    run.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(run / "model", ignore_errors=True)
    going = (run / "backup").exists()
    started = origin(source)
    if is_model(source):
        source = restore_run(source, run / "source", weights)
    sets = {named(config.train_sets, "train"): train_set, named(config.val_sets, "val"): val_set}
    if other_set:
        sets["pbc_other/val"] = other_set
    if unlabelled:
        sets[unlabelled[0].name.split("/")[0]] = list(unlabelled)
    views = started["views"] + config.fine_tune_epochs * config.views_per_epoch
    describe_run(run, config, weights, sets, started_from=started, views_seen=views)
    if not going:
        shutil.copyfile(source / "history.csv", run / "history.csv")
        (run / PSEUDO).unlink(missing_ok=True)

    with computing(config):
        base = backbone(config, weights)
        load_backbone(source, base)
        network = classifier(config, base)
    start = load_head(source)
    set_heads(network, (start.kernel, start.bias), load_attributes(source))

    known = teaching.labelled(data, train_set, cache)
    stains = nuclear_stains(known.patches)
    parts = [(1.0 - config.other_share, known)]
    if other_set:
        parts.append((config.other_share, teaching.of_no_class(other_set, cache)))
    relabel = None
    cells = teaching.together(parts)
    if unlabelled:
        others = patches(unlabelled, cache, what="unlabelled cells")
        stains = np.concatenate([stains, nuclear_stains(others)])

        def with_pseudo(*, again: bool) -> "teaching.Cells":
            extra = teaching.pseudo_labelled(config, network, others, run / PSEUDO, again=again)
            share = config.pseudo_share
            fewer = [(part * (1 - share), cells) for part, cells in parts]
            return teaching.together([*fewer, (share, extra)])

        cells = with_pseudo(again=False)
        relabel = partial(with_pseudo, again=True)

    phase = _phase(source)
    fit(
        config,
        network,
        cells,
        _validation(config, data, val_set),
        stains,
        on_epoch=partial(note_epoch, run / "history.csv"),
        phase=phase,
        relabel=relabel,
        backup=run / "backup",
        callbacks=watched(config, run),
    )

    save_backbone(run, base)
    head = Head(*get_head(network), read_history(run / "history.csv"))
    save_head(run, head)
    calibration = finish(config, data, weights, run, head, cache=cache, unlabelled=unlabelled)
    shutil.rmtree(run / "backup", ignore_errors=True)
    shutil.rmtree(run / "source", ignore_errors=True)
    return head, calibration


def finish(
    config: TrainConfig,
    data: Path,
    weights: Weights | None,
    run: Path,
    head: Head,
    *,
    cache: Path,
    unlabelled: Sequence[Sample] = (),
) -> Calibration:
    """Fit to the network as it has become what is fitted to a network: attribute heads,
    temperature, softening, statistics and thresholds.

    The `unlabelled` cells that the run gave labels are training cells too: their laboratory is one
    that the network has seen."""
    train_set = read_known(data, config.train_sets, "train", limit=config.limit)
    val_set = read_known(data, config.val_sets, "val", limit=config.limit)
    base = backbone(config, weights)
    load_backbone(run, base)
    extractor = Extractor(base, config, weights, cache, tuned=backbone_sha256(run))
    plain = extractor.features(train_set, what=named(config.train_sets, "train"))
    # The heads that learnt beside the convolutions shaped them; those that serve are fitted anew.
    save_attributes(run, train_attribute_heads(config, plain, read_attributes(data, train_set)))
    features, groups = plain, labels(train_set)
    if unlabelled:
        with np.load(run / PSEUDO, allow_pickle=False) as stored:
            rows, said = stored["rows"], stored["soft"].argmax(axis=1)
        more = extractor.features(unlabelled, what="unlabelled cells")[rows]
        features = np.concatenate([features, more])
        groups = np.concatenate([groups, len(CLASSES) + said])
    smoothing = config.fine_tune_smoothing
    return calibrate(config, run, head, extractor, (features, groups), val_set, smoothing=smoothing)


def _validation(
    config: TrainConfig, data: Path, samples: Sequence[Sample]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    crops = np.stack(
        [
            crop(s.rgb(), size=config.input_size, preprocessing=config.preprocessing).pixels
            for s in samples
        ]
    )
    targets = {
        "label": np.eye(len(CLASSES), dtype=np.float32)[labels(samples)],
        "attributes": read_attributes(data, samples),
    }
    return crops, targets


def _phase(source: Path) -> str:
    """A name for this phase in the history, after those that `source` has gone through."""
    before = {row["phase"] for row in read_history(source / "history.csv")} - {HEAD}
    return FINE_TUNING if not before else f"{FINE_TUNING} {len(before) + 1}"
