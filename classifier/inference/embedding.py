"""Where a model places a cell (whitened: ``indist``), as it is kept: little-endian float16."""

import numpy as np

_KEPT = np.dtype("<f2")
_LARGEST = 6e4  # below the largest float16


def embedding_of(place: np.ndarray) -> bytes:
    """Of (D,) numbers."""
    return np.clip(place, -_LARGEST, _LARGEST).astype(_KEPT).tobytes()


def place_of(embedding: bytes | memoryview | None) -> np.ndarray:
    """(D,) float16; (0,) where nothing was kept."""
    return np.frombuffer(bytes(embedding or b""), _KEPT)
