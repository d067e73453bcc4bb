"""Bands of confidence and of the in-distribution score, in which cells are counted."""

from itertools import pairwise

# Ends of ten bands each; the upper end belongs to the next band, the last one to its own. A good
# model is nearly always nearly sure, so that the bands of confidence are finer towards one.
CONFIDENCE = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
SCORE = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
COUNT = 10


def names(ends: tuple[float, ...]) -> list[str]:
    """ "0.95–0.98" of each band."""
    return [f"{low:g}–{high:g}" for low, high in pairwise(ends)]


def fields(what: str) -> list[str]:
    """The columns of ``monitoring.models.ReadCount`` for "confidence" or "score"."""
    return [f"{what}_{place}" for place in range(COUNT)]
