"""Training the dense softmax head on cached features."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.inference.classes import CLASSES
from ml.config import TrainConfig
from ml.network import half
from ml.network import head as build_head
from ml.progress import tqdm

if TYPE_CHECKING:
    import keras

MEASURES = ("loss", "accuracy", "val_loss", "val_accuracy")
COLUMNS = ("phase", "epoch", *MEASURES)
HEAD, FINE_TUNING = "head", "fine-tuning"
Row = dict[str, Any]
"""phase, epoch, and one float a measure."""
SPREAD_FLOOR = 1e-3  # channels that hardly ever fire must not be blown up by standardising


@dataclass(frozen=True)
class Head:
    """Acts on plain pooled features: logits = features @ kernel + bias."""

    kernel: np.ndarray
    """(F, 5) float32, every value exact in float16, because the served graph stores it so."""
    bias: np.ndarray
    """(5,) float32, exact in float16."""
    history: list[Row]

    def logits(self, features: np.ndarray) -> np.ndarray:
        """(N, F) to (N, 5)."""
        return features @ self.kernel + self.bias


def train_head(
    config: TrainConfig,
    train: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray],
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
    on_epoch: Callable[[Row], None] = lambda row: None,
) -> Head:
    """Fit to (features (N, F), labels (N,)); the epoch with the lowest validation loss is kept.
    `on_epoch` is told each epoch's row of history as it ends."""
    import keras

    keras.utils.set_random_seed(config.seed)
    mean, spread = train[0].mean(axis=0), train[0].std(axis=0) + SPREAD_FLOOR
    model = build_head(config, train[0].shape[1])
    # Falling to zero, so that the last epochs settle instead of jumping about the minimum.
    rate = keras.optimizers.schedules.CosineDecay(
        config.learning_rate, config.epochs * -(-len(train[0]) // config.batch_size)
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=config.weight_decay),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
    )
    progress = _progress(config.epochs, on_epoch)
    stop = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=config.patience, restore_best_weights=True
    )
    record = model.fit(
        (train[0] - mean) / spread,
        keras.utils.to_categorical(train[1], len(CLASSES)),
        validation_data=(
            (val[0] - mean) / spread,
            keras.utils.to_categorical(val[1], len(CLASSES)),
        ),
        epochs=config.epochs,
        batch_size=config.batch_size,
        class_weight=_class_weights(train[1]) if config.class_weights else None,
        callbacks=[stop, progress, *callbacks],
        verbose=0,
    ).history
    kernel, bias = model.layers[-1].get_weights()
    # Standardising is linear, so it is folded into the dense layer: serving need not know of it.
    kernel = kernel / spread[:, np.newaxis]
    bias = bias - mean @ kernel
    columns = zip(*(record[name] for name in MEASURES), strict=True)
    return Head(
        half(kernel),
        half(bias),
        [history_row(HEAD, epoch, values) for epoch, values in enumerate(columns, start=1)],
    )


def _class_weights(labels: np.ndarray) -> dict[int, float]:
    """Weights of mean 1 over the cells, so that each class present counts the same."""
    counts = np.bincount(labels, minlength=len(CLASSES))
    present = np.count_nonzero(counts)
    return {c: float(len(labels) / (present * n)) for c, n in enumerate(counts) if n}


def history_row(phase: str, epoch: int, values: Sequence[float]) -> Row:
    return {"phase": phase, "epoch": epoch, **dict(zip(MEASURES, values, strict=True))}


def _progress(epochs: int, tell: Callable[[Row], None]):
    import keras

    class Progress(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.bar = tqdm(total=epochs, desc="head", unit="epoch")

        def on_epoch_end(self, epoch, logs=None):
            self.bar.set_postfix({k: f"{v:.4f}" for k, v in (logs or {}).items()}, refresh=False)
            self.bar.facts = {"epoch": epoch + 1, "epochs": epochs}
            if logs and all(name in logs for name in MEASURES):
                tell(history_row(HEAD, epoch + 1, [float(logs[name]) for name in MEASURES]))
            self.bar.update()

        def on_train_end(self, logs=None):
            self.bar.close()

    return Progress()


def write_history(path: Path, history: list[Row]) -> None:
    """Columns: phase, epoch, loss, accuracy, val_loss, val_accuracy."""
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in history:
            writer.writerow({**row, **{name: round(row[name], 6) for name in MEASURES}})


def note_epoch(path: Path, row: Row) -> None:
    """Add a row; an epoch that an interrupted run did before is replaced."""
    before = [
        old
        for old in read_history(path)
        if old["phase"] != row["phase"] or old["epoch"] < row["epoch"]
    ]
    write_history(path, [*before, row])


def read_history(path: Path) -> list[Row]:
    with path.open(newline="") as stream:
        return [
            {
                "phase": row.get("phase", HEAD),
                "epoch": int(row["epoch"]),
                **{name: float(row[name]) for name in MEASURES},
            }
            for row in csv.DictReader(stream)
        ]
