"""Agreement beyond chance of two that put the same cells into classes."""

from collections.abc import Sequence
from math import sqrt

from classifier.counting import Z, exact_interval

Table = Sequence[Sequence[int]]


def cohens_kappa(table: Table) -> tuple[float | None, float | None, float | None]:
    """Kappa and the ends of its 95 % interval, within -1 and 1; ``table[i][j]``: how many the first
    put into class i and the second into j.

    Cohen's kappa (1960) is (po - pe) / (1 - pe), with po the observed agreement and pe that of
    chance with these margins; its interval is kappa +- 1.96 s, s being the large-sample standard
    error for kappa not 0 of Fleiss, Cohen & Everitt (1969, Psychol Bull 72:323):

        n (1 - pe)^4 s^2 = sum_i p_ii [(1 - pe) - (p_i. + p_.i)(1 - po)]^2
                         + (1 - po)^2 sum_{i != j} p_ij (p_.i + p_j.)^2 - (po pe - 2 pe + po)^2

    Where that is 0, as with perfect agreement, it would claim a certainty that so few cells do not
    give; the interval is then that of po, taken through the formula of kappa with the margins held.
    All three are None without cells, and where chance alone agrees always: both put every cell into
    the same one class.
    """
    n = sum(map(sum, table))
    places = range(len(table))
    first = [sum(counts) for counts in table]  # how often each called a cell what
    second = [sum(counts[i] for counts in table) for i in places]
    by_chance = sum(first[i] * second[i] for i in places)  # of n * n
    if n == 0 or by_chance == n * n:
        return None, None, None
    agreed = sum(table[i][i] for i in places)
    po, pe = agreed / n, by_chance / (n * n)
    kappa = (po - pe) / (1 - pe)
    error = _standard_error(table, first, second, n)
    if error > 0:
        return kappa, max(-1.0, kappa - Z * error), min(1.0, kappa + Z * error)
    low, high = ((end - pe) / (1 - pe) for end in exact_interval(agreed, n))
    return kappa, max(-1.0, low), min(1.0, high)


def _standard_error(table: Table, first: list[int], second: list[int], n: int) -> float:
    """Of kappa, as in ``cohens_kappa``; 0 where rounding leaves nothing of the variance."""
    places = range(len(table))
    po = sum(table[i][i] for i in places) / n
    pe = sum(first[i] * second[i] for i in places) / (n * n)
    on = sum(
        table[i][i] / n * ((1 - pe) - (first[i] + second[i]) / n * (1 - po)) ** 2 for i in places
    )
    off = sum(
        table[i][j] / n * ((second[i] + first[j]) / n) ** 2
        for i in places
        for j in places
        if i != j
    )
    variance = on + (1 - po) ** 2 * off - (po * pe - 2 * pe + po) ** 2
    return sqrt(variance / n) / (1 - pe) ** 2 if variance > 1e-12 else 0.0
