"""Every option of a training run, in one frozen dataclass that is saved with the run."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifier.inference.preprocess import CENTRE


@dataclass(frozen=True)
class TrainConfig:
    # Pictures
    input_size: int = 299
    """Pixels a side of the crop that the network sees."""
    preprocessing: str = CENTRE
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
    seed: int = 20261123

    # In-distribution score and abstention
    components: int = 64
    shrinkage: float = 1e-2
    abstain_share: float = 0.05
    """Of the validation cells, at most; half by confidence, half by in-distribution score."""

    def save(self, path: Path, **facts: Any) -> None:
        """Write the options, and under them what else identifies the run."""
        path.write_text(json.dumps({"options": asdict(self), **facts}, indent=2) + "\n")


def load_config(path: Path) -> TrainConfig:
    options = json.loads(path.read_text())["options"]
    return TrainConfig(**{**options, "levels": tuple(options["levels"])})
