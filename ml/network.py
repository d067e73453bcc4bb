"""The network: InceptionV3 (Szegedy et al., CVPR 2016), frozen, cut, averaged, and a dense head.

    crop -> InceptionV3 up to the last level -> global average of each level -> concatenated
         -> dropout -> dense -> softmax of the five classes

TensorFlow is imported when a function is called, not when this module is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from classifier.inference.classes import CLASSES
from ml.attributes import WIDTH
from ml.config import ConfigError, TrainConfig
from ml.weights import Weights

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def backbone(config: TrainConfig, weights: Weights | None) -> "keras.Model":
    """Frozen network from scaled pictures (N, size, size, 3), -1 to 1, to the levels' maps.

    Without weights it is initialised at random from the seed, which is for tests only.
    """
    import keras

    if weights is None:
        keras.utils.set_random_seed(config.seed)
    base = keras.applications.InceptionV3(
        include_top=False,
        weights=None if weights is None else str(weights.path),
        input_shape=(None, None, 3),
    )
    base.trainable = False
    return keras.Model(base.input, [base.get_layer(name).output for name in config.levels])


def head(config: TrainConfig, features: int) -> "keras.Model":
    """Standardised features (N, features) to probabilities (N, 5)."""
    import keras

    return keras.Sequential(
        [
            keras.Input((features,)),
            keras.layers.Dropout(config.dropout, seed=config.seed),
            keras.layers.Dense(len(CLASSES), activation="softmax", name="probabilities"),
        ]
    )


def classifier(config: TrainConfig, base: "keras.Model") -> "keras.Model":
    """Uint8 crops (N, size, size, 3) to logits: label (N, 5), attributes (N, WIDTH); trainable.

    BatchNorm keeps ImageNet's means and variances: a batch of one laboratory's cells knows less of
    the next laboratory than they do.
    """
    import keras

    frozen = bool(config.frozen_through)
    base.trainable = True
    for layer in base.layers:
        layer.trainable = not frozen and not isinstance(layer, keras.layers.BatchNormalization)
        if layer.name == config.frozen_through:
            frozen = False
    size = config.input_size
    crops = keras.Input((size, size, 3), dtype="uint8")
    maps = base(keras.layers.Rescaling(1 / 127.5, offset=-1.0)(crops), training=False)
    maps = maps if isinstance(maps, list | tuple) else [maps]
    # Averages and heads in float32, whatever the convolutions compute in.
    pooled = [keras.layers.GlobalAveragePooling2D(dtype="float32")(level) for level in maps]
    features = keras.layers.Concatenate(name="features", dtype="float32")(pooled)
    kept = keras.layers.Dropout(config.dropout, seed=config.seed, dtype="float32")(features)
    outputs = {
        "label": keras.layers.Dense(len(CLASSES), name="label", dtype="float32")(kept),
        "attributes": keras.layers.Dense(WIDTH, name="attributes", dtype="float32")(kept),
    }
    return keras.Model(crops, outputs)


@contextmanager
def computing(config: TrainConfig) -> Iterator[None]:
    """Networks built and compiled inside compute in bfloat16, with float32 weights, and on all
    devices that there are, if the options say so."""
    import keras

    before = keras.config.dtype_policy()
    if config.mixed_precision:
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        with strategy(config.distribute).scope():
            yield
    finally:
        keras.config.set_dtype_policy(before)


@cache
def strategy(name: str) -> "tf.distribute.Strategy":
    """The tf.distribute strategy of this name (see TrainConfig.distribute), one a process;
    ConfigError if there is none."""
    import tensorflow as tf

    kinds = {
        "": tf.distribute.get_strategy,
        "mirrored": tf.distribute.MirroredStrategy,
        "multi_worker": tf.distribute.MultiWorkerMirroredStrategy,
    }
    if name not in kinds:
        raise ConfigError(f"distribute: {name!r} is none of 'mirrored' and 'multi_worker'.")
    return kinds[name]()


def set_heads(
    network: "keras.Model",
    label: tuple[np.ndarray, np.ndarray],
    attributes: tuple[np.ndarray, np.ndarray] | None,
) -> None:
    """Start `classifier`'s heads from trained ones: kernel and bias of each."""
    network.get_layer("label").set_weights(label)
    if attributes is not None:
        network.get_layer("attributes").set_weights(attributes)


def get_head(network: "keras.Model") -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of the classes' head, exact in float16, as the served graph stores them."""
    kernel, bias = network.get_layer("label").get_weights()
    return half(kernel), half(bias)


def half(values: np.ndarray) -> np.ndarray:
    """The nearest float32 values that float16 holds exactly."""
    return values.astype(np.float16).astype(np.float32)


def whole(
    base: "keras.Model", kernel: np.ndarray, bias: np.ndarray, *, temperature: float = 1.0
) -> "keras.Model":
    """Uint8 crops (N, size, size, 3) to probabilities: what the exported graph must agree with.

    `kernel` (features, 5) and `bias` (5,) act on the plain pooled features.
    """
    import keras

    crops = keras.Input((None, None, 3), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(crops)
    maps = base(scaled)
    maps = maps if isinstance(maps, list | tuple) else [maps]
    pooled = [keras.layers.GlobalAveragePooling2D()(level) for level in maps]
    features = keras.layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
    dense = keras.layers.Dense(len(CLASSES), activation="softmax")
    model = keras.Model(crops, dense(features))
    dense.set_weights([kernel / temperature, bias / temperature])
    return model
