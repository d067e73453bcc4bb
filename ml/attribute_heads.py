"""Small linear heads on the pooled features: what the model can say of a cell besides its class."""

import numpy as np

from ml.attributes import WIDTH
from ml.config import TrainConfig
from ml.head import SPREAD_FLOOR
from ml.network import half


def train_attribute_heads(
    config: TrainConfig, features: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Kernel (F, WIDTH) and bias (WIDTH,), exact in float16, from features (N, F) and one-hot
    attributes (N, WIDTH); None where no attribute of any cell is known."""
    import keras

    from ml.fitting import attribute_loss

    rows = known.any(axis=1)
    if not rows.any():
        return None
    keras.utils.set_random_seed(config.seed)
    features, known = features[rows], known[rows]
    mean, spread = features.mean(axis=0), features.std(axis=0) + SPREAD_FLOOR
    dense = keras.layers.Dense(WIDTH)
    model = keras.Sequential(
        [keras.Input((features.shape[1],)), keras.layers.Dropout(config.dropout), dense]
    )
    steps = config.epochs * -(-len(features) // config.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, steps)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=config.weight_decay),
        loss=attribute_loss,
    )
    model.fit(
        (features - mean) / spread,
        known,
        epochs=config.epochs,
        batch_size=config.batch_size,
        verbose=0,
    )
    kernel, bias = dense.get_weights()
    kernel = kernel / spread[:, np.newaxis]
    bias = bias - mean @ kernel
    return half(kernel), half(bias)
