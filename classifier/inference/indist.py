"""How much a picture looks like the training cells: the in-distribution score of its features.

Two distances are measured on the standardised pooled features: the Mahalanobis distance to the
nearest class inside the space spanned by the leading principal components (Lee et al. 2018,
arXiv:1807.03888) and what is left outside of that space (Wang et al. 2022, ViM,
arXiv:2203.10807). The first finds cells of another kind, the second finds other pictures.
"""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from classifier.inference.errors import ModelError


@dataclass(frozen=True)
class InDistribution:
    """Statistics of the training features; F features, K components, G groups; all float32."""

    mean: np.ndarray
    """(F,), of the features."""
    scale: np.ndarray
    """(F,), one over the standard deviation."""
    components: np.ndarray
    """(F, K), orthonormal columns; the leading principal directions."""
    whitening: np.ndarray
    """(K, K), Cholesky factor of the shared within-class precision matrix."""
    centres: np.ndarray
    """(G, K), whitened means of the groups of training cells: the classes, or the classes of each
    laboratory, which lie apart."""
    scales: np.ndarray
    """(2,), median of the two distances on validation cells."""

    def place(self, features: np.ndarray) -> "Place":
        """Where (F,) features lie."""
        standard = (features - self.mean) * self.scale
        inside = standard @ self.components
        whitened = inside @ self.whitening
        offsets = whitened - self.centres
        nearest = float(np.sqrt((offsets * offsets).sum(axis=1).min()))
        outside = float(np.sqrt(max(float(standard @ standard - inside @ inside), 0.0)))
        return Place(whitened, np.array([nearest, outside], np.float32) / self.scales)

    def distances(self, features: np.ndarray) -> np.ndarray:
        """(F,) features to (2,): Mahalanobis distance and residual, in units of their medians."""
        return self.place(features).distances

    def score(self, features: np.ndarray) -> float:
        """In (0, 1]: 0.5 is as far away as a typical validation cell, and far away tends to 0."""
        return self.place(features).score

    def save(self, path: Path) -> None:
        """Components are stored as float16: they are directions, and half the file."""
        arrays = {item.name: getattr(self, item.name) for item in fields(self)}
        arrays["components"] = arrays["components"].astype(np.float16)
        np.savez(path, **arrays)


@dataclass(frozen=True)
class Place:
    """Where a cell lies among those that the model learnt from."""

    whitened: np.ndarray
    """(K,): Euclidean distance between two of these is Mahalanobis distance within a class."""
    distances: np.ndarray
    """(2,), see InDistribution.distances."""

    @property
    def score(self) -> float:
        """See InDistribution.score."""
        return 1.0 / (1.0 + float(np.mean(self.distances**2)))


def excess(score: float) -> float:
    """How much further away than a typical validation cell a score says, in units of that one's
    distance; 0 for those that are nearer."""
    return max(0.0, float(np.sqrt(1.0 / max(score, 1e-12) - 1.0)) - 1.0)


def load_statistics(path: Path, *, features: int, classes: int) -> InDistribution:
    """Read and check an npz; ModelError if an array is missing, misshapen or not finite."""
    names = [item.name for item in fields(InDistribution)]
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: np.asarray(stored[name], np.float32) for name in names}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} does not hold the statistics it should: {error}.") from error
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ModelError(f"{path} holds numbers that are not finite.")
    size = arrays["components"].shape[-1] if arrays["components"].ndim == 2 else -1
    expected = {
        "mean": (features,),
        "scale": (features,),
        "components": (features, size),
        "whitening": (size, size),
        "centres": (max(classes, arrays["centres"].shape[0]), size),
        "scales": (2,),
    }
    found = {name: array.shape for name, array in arrays.items()}
    if found != expected or (arrays["scales"] <= 0).any():
        raise ModelError(f"{path} holds arrays of shape {found}, not {expected}.")
    return InDistribution(**arrays)
