"""Watching a run from outside: logs that TensorBoard reads."""

from pathlib import Path
from typing import TYPE_CHECKING

from ml.config import ConfigError, TrainConfig

if TYPE_CHECKING:
    import keras

FOLDER = "tensorboard"


def watched(config: TrainConfig, run: Path) -> "list[keras.callbacks.Callback]":
    """The callbacks that the options ask for; each phase of a run logs into RUN/tensorboard."""
    if not config.tensorboard:
        return []
    try:
        import tensorboard  # noqa: F401 - what Keras' callback needs and TensorFlow does not bring
    except ImportError as error:
        raise ConfigError(
            "--tensorboard needs the package tensorboard: pip install tensorboard"
        ) from error
    import keras

    return [keras.callbacks.TensorBoard(run / FOLDER, write_graph=False, update_freq=10)]
