"""How sure a count is: the exact interval of a proportion."""

from functools import lru_cache
from math import exp, lgamma, log

LEVEL = 0.95


def _tail(x: int, n: int, p: float) -> float:
    """P(X >= x) of a binomial count X of n with probability p, 0 < p < 1."""
    log_p, log_q = log(p), log(1 - p)
    return sum(
        exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log_p + (n - k) * log_q)
        for k in range(x, n + 1)
    )


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
