"""The cells that fine-tuning learns from: labelled ones, ones of no class, and unlabelled ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classifier.inference.classes import CLASSES
from ml import pseudo
from ml.attributes import WIDTH, read_attributes, sampling_weights
from ml.config import TrainConfig
from ml.data import Sample, labels
from ml.patches import patches
from ml.views import Cells

if TYPE_CHECKING:
    import keras


def labelled(data: Path, samples: Sequence[Sample], cache: Path) -> Cells:
    """Cells with class and attributes, drawn evenly over the classes and their kinds."""
    truth, attributes = labels(samples), read_attributes(data, samples)
    one_hot = np.eye(len(CLASSES), dtype=np.float32)[truth]
    return Cells(
        np.asarray(patches(samples, cache)),
        one_hot,
        attributes,
        sampling_weights(truth, attributes),
    )


def of_no_class(samples: Sequence[Sample], cache: Path) -> Cells:
    """Cells of other kinds: every class is as wrong for them (Hendrycks et al. 2019, outlier
    exposure, arXiv:1812.04606), so that the network learns to be unsure. Kinds are drawn evenly."""
    count = len(samples)
    kinds, inverse, sizes = np.unique(
        [sample.kind for sample in samples], return_inverse=True, return_counts=True
    )
    return Cells(
        np.asarray(patches(samples, cache, what="cells of no class")),
        np.full((count, len(CLASSES)), 1 / len(CLASSES), np.float32),
        np.zeros((count, WIDTH), np.float32),
        1 / (sizes[inverse] * len(kinds)),
    )


def pseudo_labelled(
    config: TrainConfig,
    network: "keras.Model",
    others: np.ndarray,
    kept: Path | None = None,
    *,
    again: bool = False,
) -> Cells:
    """The surest of the unlabelled patches `others` (N, SIDE, SIDE, 3), labelled by `network`.

    `kept` remembers the labels for a run that is interrupted; `again` labels anew all the same.
    """
    if kept is not None and kept.is_file() and not again:
        with np.load(kept, allow_pickle=False) as stored:
            rows, soft = stored["rows"], stored["soft"]
    else:
        said = pseudo.answers(
            network, others, size=config.input_size, views=config.pseudo_views, seed=config.seed
        )
        rows, soft = pseudo.choose(said, config.pseudo_most)
        if kept is not None:
            np.savez(kept, rows=rows, soft=soft)
    unknown = np.zeros((len(rows), WIDTH), np.float32)
    return Cells(others[rows], soft, unknown, sampling_weights(soft.argmax(axis=1), unknown))


def together(parts: Sequence[tuple[float, Cells]]) -> Cells:
    """One set of cells, of which each part makes up the given share of a batch on average."""
    shares = np.array([share for share, _ in parts])
    cells = [each for _, each in parts]
    return Cells(
        np.concatenate([each.patches for each in cells]),
        np.concatenate([each.labels for each in cells]),
        np.concatenate([each.attributes for each in cells]),
        np.concatenate(
            [share * each.weights for share, each in zip(shares / shares.sum(), cells, strict=True)]
        ),
    )
