"""What a person may choose about a run. Everything else keeps the defaults of ``ml.config``.

Names and bounds of the training side, which must not be loaded here; tests/training compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.choices import Kind

NETWORKS: Mapping[str, tuple[str, ...]] = {
    "full": ("mixed5", "mixed7", "mixed8"),
    "short": ("mixed0", "mixed1"),
}
INPUT_SIZES = (96, 128, 160, 192, 224)


@dataclass(frozen=True)
class Option:
    name: str
    """As in ``ml.config.TrainConfig``."""
    label: str
    help: str
    default: int | float
    low: float
    high: float
    kinds: tuple[str, ...] = (Kind.TRANSFER, Kind.FINE_TUNING)

    @property
    def whole(self) -> bool:
        return isinstance(self.default, int)


HEAD = (Kind.TRANSFER, Kind.FINE_TUNING)
OPTIONS = (
    Option("views", "Augmented copies of each cell", "For the head.", 3, 0, 20, HEAD),
    Option("epochs", "Epochs of the head", "It stops earlier where nothing improves.", 40, 1, 500),
    Option("learning_rate", "Learning rate of the head", "At the start.", 1e-3, 1e-6, 0.1),
    Option(
        "fine_tune_epochs", "Epochs of fine-tuning", "After each, what was learnt is kept.",
        20, 1, 200, (Kind.FINE_TUNING,),
    ),
    Option(
        "views_per_epoch", "Views an epoch", "Random views of the training cells.",
        12800, 16, 200_000, (Kind.FINE_TUNING,),
    ),
    Option("fine_tune_batch", "Views a batch", "", 32, 4, 256, (Kind.FINE_TUNING,)),
    Option(
        "fine_tune_rate", "Learning rate of fine-tuning", "At its highest.",
        2e-4, 1e-7, 0.01, (Kind.FINE_TUNING,),
    ),
    Option(
        "averaging", "Momentum of the average", "Of the weights, which is kept; few batches need less.",
        0.995, 0.0, 0.9999, (Kind.FINE_TUNING,),
    ),
    Option("seed", "Seed", "The same seed gives the same run.", 20261123, 0, 2**31 - 1),
)  # fmt: skip
BY_NAME = {option.name: option for option in OPTIONS}


def chosen(
    *, kind: str, values: Mapping[str, Any], network: str, input_size: int, goes_on: bool
) -> dict[str, Any]:
    """The options of a run as they are kept and handed over: those of its kind, and of the network
    where it is not another version's (``goes_on``)."""
    options: dict[str, Any] = {
        option.name: values[option.name]
        for option in OPTIONS
        if kind in option.kinds and values.get(option.name) is not None
    }
    if not goes_on:
        options |= {"input_size": input_size, "levels": list(NETWORKS[network])}
        if kind == Kind.FINE_TUNING and network == "short":
            options["frozen_through"] = ""  # else nothing of so short a network would move
    return options | {"tensorboard": True}
