"""The network: InceptionV3 (Szegedy et al., CVPR 2016), frozen, cut, averaged, and a dense head.

    crop -> InceptionV3 up to the last level -> global average of each level -> concatenated
         -> dropout -> dense -> softmax of the five classes

TensorFlow is imported when a function is called, not when this module is.
"""

from typing import TYPE_CHECKING

import numpy as np

from classifier.inference.classes import CLASSES
from ml.config import TrainConfig
from ml.weights import Weights

if TYPE_CHECKING:
    import keras


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
