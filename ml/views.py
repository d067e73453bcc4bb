"""What fine-tuning is fed: batches of random views, drawn evenly over classes and kinds of cell."""

from dataclasses import dataclass

import cv2
import keras
import numpy as np

from ml import augment
from ml.config import TrainConfig


@dataclass(frozen=True)
class Cells:
    """Patches with what is known of them; rows without attributes are all zero there."""

    patches: np.ndarray
    """(N, SIDE, SIDE, 3) uint8."""
    labels: np.ndarray
    """(N, 5) float32, one-hot or soft."""
    attributes: np.ndarray
    """(N, attributes.WIDTH) float32."""
    weights: np.ndarray
    """(N,) how often each is drawn; sums to 1."""


class Views(keras.utils.PyDataset):
    """`config.views_per_epoch` views an epoch; the seed, the epoch and the batch decide each."""

    def __init__(
        self, config: TrainConfig, cells: Cells, stains: np.ndarray, *, threads: int
    ) -> None:
        super().__init__(workers=threads, max_queue_size=2 * threads)
        self.config = config
        self.cells = cells
        self.stains = stains
        self.epoch = 0
        cv2.setNumThreads(1)

    def __len__(self) -> int:
        return max(1, self.config.views_per_epoch // self.config.fine_tune_batch)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        config, cells = self.config, self.cells
        rng = np.random.default_rng([config.seed, self.epoch, batch])
        rows = rng.choice(len(cells.weights), config.fine_tune_batch, p=cells.weights)
        pixels = [
            augment.view(cells.patches[row], rng, size=config.input_size, stains=self.stains)
            for row in rows
        ]
        targets = {"label": cells.labels[rows], "attributes": cells.attributes[rows]}
        return np.stack(pixels), targets


class CountEpochs(keras.callbacks.Callback):
    """Tells the views which epoch it is, also after a resumed start."""

    def __init__(self, views: Views) -> None:
        super().__init__()
        self.views = views

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.views.epoch = epoch
