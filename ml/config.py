"""Every option of a training run, in one frozen dataclass that is saved with the run."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from classifier.inference.preprocess import CELL


@dataclass(frozen=True)
class TrainConfig:
    # Data sets, by their folders in the data folder
    train_sets: tuple[str, ...] = ("pbc",)
    """Whose training cells teach."""
    val_sets: tuple[str, ...] = ("pbc",)
    """Whose validation cells choose."""

    # Pictures
    input_size: int = 192
    """Pixels a side of the crop that the network sees."""
    preprocessing: str = CELL
    views: int = 3
    """Augmented copies of each training picture, besides the picture itself; features are cached."""
    limit: int = 0
    """At most so many pictures a class and split (0: all), for trials."""

    # Network
    levels: tuple[str, ...] = ("mixed5", "mixed7", "mixed8")
    """Blocks whose global averages are concatenated; the network is cut behind the last one."""
    precision: str = "bf16"
    """Of the frozen network, for features and for serving: f32 or bf16."""

    # Head
    dropout: float = 0.5
    batch_size: int = 128
    learning_rate: float = 1e-3
    """At the start; falls to zero along a cosine."""
    weight_decay: float = 0.1
    label_smoothing: float = 0.0
    epochs: int = 40
    patience: int = 15
    """Epochs without a better validation loss before stopping; the best epoch is kept."""
    class_weights: bool = False
    """Let a cell of a rare class count for more, so that every class counts the same."""
    seed: int = 20261123

    # Fine-tuning
    frozen_through: str = "mixed1"
    """Blocks up to this one stay as they are; "" trains every convolution. BatchNorm never moves."""
    fine_tune_epochs: int = 20
    views_per_epoch: int = 12800
    """Augmented views between two validations."""
    fine_tune_batch: int = 32
    fine_tune_rate: float = 2e-4
    """At the top of a short rise; falls to zero along a cosine."""
    fine_tune_decay: float = 0.05
    """Weight decay."""
    fine_tune_smoothing: float = 0.1
    """Label smoothing."""
    attribute_weight: float = 0.3
    """Of the loss of WBCAtt's eleven attributes, against one of the classes."""
    averaging: float = 0.995
    """Momentum of the moving average of the weights, which is what is kept. It begins with the
    network as it was, so a run of few steps needs less."""
    other_share: float = 0.08
    """Of each batch: cells of no class of ours (pbc_other/val), for which every class is as wrong."""
    fine_tune_patience: int = 0
    """Epochs without a better validation loss before stopping; 0 goes through with the schedule."""
    mixed_precision: bool = False
    """Compute in bfloat16 while the weights stay float32; for hardware that has it."""
    distribute: str = ""
    """tf.distribute strategy: "" (one device), "mirrored" (all GPUs of this machine), or
    "multi_worker" (the machines that TF_CONFIG names)."""
    tensorboard: bool = False
    """Write logs for TensorBoard into the run's folder tensorboard/ as well."""

    # Cells of other laboratories that nobody labelled
    pseudo_share: float = 0.25
    """Of each batch."""
    pseudo_views: int = 12
    pseudo_most: int = 75
    """At most so many of one class."""
    pseudo_rounds: int = 3
    """How often they are labelled: at the start, and anew by what the network has become."""

    # In-distribution score and abstention
    components: int = 64
    shrinkage: float = 1e-2
    val_views: int = 2
    """Augmented copies of each validation picture: what another laboratory's may do to calibration."""
    abstain_share: float = 0.05
    """Of the validation cells, at most, by confidence and in-distribution score together."""
    in_distribution_share: float = 0.2
    """Of these, by in-distribution score. Chosen on pbc_other/val: confidence finds cells of other
    kinds sooner, once it has been taught; the score is for pictures of something else."""

    def save(self, path: Path, **facts: Any) -> None:
        """Write the options, and under them what else identifies the run."""
        path.write_text(json.dumps({"options": asdict(self), **facts}, indent=2) + "\n")


class ConfigError(Exception):
    """A saved configuration cannot be read."""


def with_options(config: TrainConfig, options: Mapping[str, Any]) -> TrainConfig:
    """`config` with other `options`, as JSON or TOML holds them; TypeError or ValueError where one
    is unknown or of another kind."""
    known = {option.name: option.default for option in fields(TrainConfig)}
    changes = {}
    for name, value in options.items():
        kind = type(known[name]) if name in known else None
        if kind is tuple:
            value = tuple(value)
        elif kind is float and type(value) is int:
            value = float(value)
        if kind is not None and type(value) is not kind:
            raise TypeError(f"{name} is {value!r}, which is no {kind.__name__}")
        changes[name] = value
    return replace(config, **changes)


def load_config(path: Path) -> TrainConfig:
    """The options of a run's config.json; ConfigError, in one sentence, if it is damaged."""
    try:
        return with_options(TrainConfig(), json.loads(path.read_text())["options"])
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} does not hold the options of a run: {error}.") from error
