"""How sure a count is: intervals of a proportion."""

from functools import lru_cache
from math import log, sqrt

import numpy as np

LEVEL = 0.95
Z = 1.959963984540054  # of LEVEL, two-sided


@lru_cache(maxsize=64)
def _log_choices(n: int) -> np.ndarray:
    """ln(n choose k) for k = 0..n."""
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    return factorials[n] - factorials - factorials[::-1]


def _tail(x: int, n: int, p: float) -> float:
    """P(X >= x) of a binomial count X of n with probability p, 0 < p < 1."""
    k = np.arange(x, n + 1)
    return float(np.exp(_log_choices(n)[x:] + k * log(p) + (n - k) * log(1 - p)).sum())


def _where_tail_is(x: int, n: int, share: float) -> float:
    """The p at which P(X >= x) is ``share``: the tail grows with p, so halving finds it."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if _tail(x, n, middle) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@lru_cache(maxsize=4096)
def exact_interval(count: int, total: int) -> tuple[float, float]:
    """95 % interval of a proportion (Clopper & Pearson 1934), the Rümke table of haematology.

    Both ends as shares of one; everything is possible when nothing was counted.
    """
    if total == 0:
        return 0.0, 1.0
    beyond = (1 - LEVEL) / 2
    low = 0.0 if count == 0 else _where_tail_is(count, total, beyond)
    high = 1.0 if count == total else _where_tail_is(count + 1, total, 1 - beyond)
    return low, high


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927): for many, where the exact one takes long and says
    the same. ``total`` is above 0."""
    share, weight = count / total, Z * Z / total
    middle = (share + weight / 2) / (1 + weight)
    half = Z * sqrt(share * (1 - share) / total + weight / (4 * total)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)
