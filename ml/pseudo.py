"""Labels for cells that nobody labelled, from what models say of many views of them.

Models that fail in another laboratory fail into one class. Sinkhorn's balancing (Cuturi 2013,
arXiv:1306.0895; for self-training Asano et al. 2020, arXiv:1911.05371) takes the classes to be
about equally frequent, and only the surest few of each class are kept.
"""

from typing import TYPE_CHECKING

import numpy as np

from ml import augment
from ml.progress import tqdm

if TYPE_CHECKING:
    import keras

ROUNDS = 50
SHARPNESS = 2.0  # power of the probabilities before they are balanced


def balanced(probabilities: np.ndarray) -> np.ndarray:
    """(N, C) to (N, C): rows sum to 1 and columns, nearly, to N/C."""
    plan = np.maximum(probabilities, 1e-6) ** SHARPNESS
    for _ in range(ROUNDS):
        plan /= plan.sum(axis=0, keepdims=True)
        plan /= plan.sum(axis=1, keepdims=True)
    return plan


def choose(probabilities: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """From (V, N, C) answers to V views: rows kept, at most `most` a class, and their (M, C)."""
    plan = balanced(probabilities.mean(axis=0))
    best, sure = plan.argmax(axis=1), plan.max(axis=1)
    kept = [
        row
        for label in range(plan.shape[1])
        for row in sorted(np.flatnonzero(best == label), key=lambda row: -sure[row])[:most]
    ]
    rows = np.array(sorted(kept), np.int64)
    return rows, plan[rows].astype(np.float32)


def answers(
    network: "keras.Model",
    patches: np.ndarray,
    *,
    size: int,
    views: int,
    seed: int,
    batch: int = 64,
) -> np.ndarray:
    """(V, N, 5) probabilities of `views` random views of each patch (no stain is exchanged)."""
    found = []
    for number in tqdm(range(views), desc="asking about unlabelled cells", unit="view"):
        rng = np.random.default_rng([seed, number])
        crops = np.stack([augment.mild_view(patch, rng, size=size) for patch in patches])
        logits = network.predict(crops, batch_size=batch, verbose=0)["label"]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        found.append(powers / powers.sum(axis=1, keepdims=True))
    return np.stack(found)
