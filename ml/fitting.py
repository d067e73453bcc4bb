"""Fine-tuning: the convolutions move too, slowly, over views that never repeat."""

import ctypes
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
from keras import ops

from ml.attributes import SIZES
from ml.config import TrainConfig
from ml.head import FINE_TUNING, Row, history_row
from ml.network import computing
from ml.progress import tqdm
from ml.views import Cells, CountEpochs, Views

WARM_UP = 0.05  # of all steps
COLUMNS = ("loss", "label_accuracy", "val_loss", "val_label_accuracy")


def fit(
    config: TrainConfig,
    network: "keras.Model",
    train: Cells,
    val: tuple[np.ndarray, dict[str, np.ndarray]],
    stains: np.ndarray,
    *,
    on_epoch: Callable[[Row], None],
    phase: str = FINE_TUNING,
    relabel: Callable[[], Cells] | None = None,
    backup: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    threads: int | None = None,
) -> None:
    """Train `network` (see ml.network.classifier) in place; what is left in it is the average.

    `stains` (K, 3) as in ml.augment.view; `val` is (crops (M, size, size, 3) uint8, targets).
    `on_epoch` is told each epoch's row of history, which is of `phase`. `relabel` is asked for
    other `train` cells as often as `config.pseudo_rounds` says, the average being in the network.
    A run that stopped goes on from `backup` with the epoch it was in.
    """
    keras.utils.set_random_seed(config.seed)
    views = Views(config, train, stains, threads=threads or len(os.sched_getaffinity(0)))
    with computing(config):
        compile_network(config, network, steps=config.fine_tune_epochs * len(views))
    going: list[keras.callbacks.Callback] = [CountEpochs(views), KeepMemory()]
    if relabel is not None:
        going.append(Relabel(views, relabel))  # before the average leaves the network again
    going += [
        keras.callbacks.SwapEMAWeights(),  # validation sees the average, because that is kept
        Progress(config.fine_tune_epochs, len(views)),
        Tell(on_epoch, phase),
        *callbacks,
    ]
    if config.fine_tune_patience:
        going.append(keras.callbacks.EarlyStopping("val_loss", patience=config.fine_tune_patience))
    if backup is not None:
        going.append(keras.callbacks.BackupAndRestore(backup))
    network.fit(
        views,
        validation_data=val,
        validation_batch_size=config.fine_tune_batch,
        epochs=config.fine_tune_epochs,
        # Each batch is random already, and a run that goes on must get them in the same order.
        shuffle=False,
        callbacks=going,
        verbose=0,
    )


def compile_network(config: TrainConfig, network: "keras.Model", steps: int) -> None:
    warm = int(WARM_UP * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm), warmup_target=config.fine_tune_rate, warmup_steps=warm
    )
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=config.fine_tune_decay, use_ema=True, ema_momentum=config.averaging
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta"])
    network.compile(
        optimizer=optimizer,
        loss={
            "label": keras.losses.CategoricalCrossentropy(
                from_logits=True, label_smoothing=config.fine_tune_smoothing
            ),
            "attributes": attribute_loss,
        },
        loss_weights={"label": 1.0, "attributes": config.attribute_weight},
        metrics={"label": [KnownAccuracy(name="accuracy")]},
    )


class KnownAccuracy(keras.metrics.CategoricalAccuracy):
    """Of the cells that have a class; those for which every class is as wrong do not count."""

    def update_state(
        self,
        y_true: "keras.KerasTensor",
        y_pred: "keras.KerasTensor",
        sample_weight: "keras.KerasTensor | None" = None,
    ) -> None:
        known = ops.max(y_true, axis=-1) > ops.min(y_true, axis=-1) + 1e-3
        super().update_state(y_true, y_pred, sample_weight=ops.cast(known, "float32"))


def attribute_loss(truth: "keras.KerasTensor", logits: "keras.KerasTensor") -> "keras.KerasTensor":
    """Mean cross-entropy of the attributes; a row of zeros (nothing known) costs nothing."""
    edges = list(np.cumsum(SIZES)[:-1])
    losses = [
        -ops.sum(known * ops.log_softmax(answer, axis=-1), axis=-1)
        for known, answer in zip(
            ops.split(truth, edges, axis=-1), ops.split(logits, edges, axis=-1), strict=True
        )
    ]
    return sum(losses) / len(losses)


class KeepMemory(keras.callbacks.Callback):
    """Lets freed memory stay with the process. TensorFlow's generators tell the allocator to give
    it back at once, and faulting it in again took half of the processor's time."""

    TRIM_THRESHOLD, MMAP_MAX = -1, -4  # of mallopt(3)

    def __init__(self) -> None:
        super().__init__()
        self.mallopt: Callable[[int, int], int] | None = None
        # Another system has another allocator.
        with suppress(OSError, AttributeError):
            self.mallopt = ctypes.CDLL("libc.so.6").mallopt

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if self.mallopt is not None:
            self.mallopt(self.TRIM_THRESHOLD, 2**31 - 1)
            self.mallopt(self.MMAP_MAX, 0)


class Relabel(keras.callbacks.Callback):
    """Exchanges the cells that views are made of, evenly over the epochs."""

    def __init__(self, views: Views, relabel: Callable[[], Cells]) -> None:
        super().__init__()
        self.views = views
        self.relabel = relabel
        epochs, rounds = views.config.fine_tune_epochs, views.config.pseudo_rounds
        self.after = {round(number * epochs / rounds) - 1 for number in range(1, rounds)}

    def on_test_end(self, logs: dict | None = None) -> None:
        if self.views.epoch in self.after:
            self.views.cells = self.relabel()


class Tell(keras.callbacks.Callback):
    def __init__(self, on_epoch: Callable[[Row], None], phase: str) -> None:
        super().__init__()
        self.tell = on_epoch
        self.phase = phase

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        values = [float((logs or {})[name]) for name in COLUMNS]
        self.tell(history_row(self.phase, epoch + 1, values))


class Progress(keras.callbacks.Callback):
    """A bar over all batches, with rate and time left."""

    def __init__(self, epochs: int, batches: int) -> None:
        super().__init__()
        self.epochs, self.batches = epochs, batches

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if not hasattr(self, "bar"):
            self.bar = tqdm(
                total=self.epochs * self.batches,
                initial=epoch * self.batches,
                desc="fine-tuning",
                unit="batch",
            )
        self.bar.facts = {"epoch": epoch + 1, "epochs": self.epochs, "batches": self.batches}
        self.bar.write_down()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        shown = {k: f"{v:.4f}" for k, v in (logs or {}).items() if k in COLUMNS}
        self.bar.set_postfix({"epoch": epoch + 1, **shown}, refresh=True)

    def on_train_end(self, logs: dict | None = None) -> None:
        if hasattr(self, "bar"):
            self.bar.close()
