"""How far two readers agree on the same cells: in percent, beyond chance (kappa), and on what."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from classifier.counting import exact_interval
from review.choices import Label

Z = 1.959963984540054  # of 95 %, two-sided
_ORDER = {label: place for place, label in enumerate(Label.values)}


@dataclass(frozen=True)
class Agreement:
    """Two sequences of labels, compared. ``table[i][j]``: the first said labels[i], the second [j]."""

    labels: tuple[str, ...]  # those that occur, in the order of review.choices.Label
    table: tuple[tuple[int, ...], ...]
    n: int
    agreed: int
    percent: float | None  # None without cells
    low: float  # exact 95 % interval, percent
    high: float
    kappa: float | None  # None without cells, or where both called every cell the same one class
    kappa_low: float | None
    kappa_high: float | None

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """For a table: each label of the first reader with its counts by the second."""
        return [
            (label, list(counts)) for label, counts in zip(self.labels, self.table, strict=True)
        ]

    def as_dict(self) -> dict[str, Any]:
        numbers = ("percent", "low", "high", "kappa", "kappa_low", "kappa_high")
        return {
            "labels": [str(label) for label in self.labels],
            "table": [list(counts) for counts in self.table],
            "n": self.n,
            "agreed": self.agreed,
            **{
                name: None if (value := getattr(self, name)) is None else round(value, 4)
                for name in numbers
            },
        }


def agreement(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Compare the labels that two readers gave to the same cells, in the same order.

    Percent agreement has the exact interval (Clopper & Pearson 1934). Cohen's kappa (1960) is
    (po - pe) / (1 - pe), with po the observed agreement and pe that of chance with these margins;
    its 95 % interval is kappa +- 1.96 s, s being the large-sample standard error for kappa not 0 of
    Fleiss, Cohen & Everitt (1969, Psychol Bull 72:323):

        n (1 - pe)^4 s^2 = sum_i p_ii [(1 - pe) - (p_i. + p_.i)(1 - po)]^2
                         + (1 - po)^2 sum_{i != j} p_ij (p_.i + p_j.)^2 - (po pe - 2 pe + po)^2

    Where that is 0, as with perfect agreement, it would claim a certainty that so few cells do not
    give; the interval is then that of po, taken through the formula of kappa with the margins held.
    Kappa is None where chance alone agrees always: both called every cell the same one class.
    Raises ValueError where the sequences differ in length.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} labels cannot be compared with {len(second)}")
    labels = tuple(sorted({*first, *second}, key=lambda label: _ORDER.get(label, len(_ORDER))))
    place = {label: index for index, label in enumerate(labels)}
    table = [[0] * len(labels) for _ in labels]
    for one, other in zip(first, second, strict=True):
        table[place[one]][place[other]] += 1
    n, agreed = len(first), sum(table[i][i] for i in range(len(labels)))
    low, high = exact_interval(agreed, n)
    kappa, kappa_low, kappa_high = _kappa(table, n)
    return Agreement(
        labels=labels,
        table=tuple(map(tuple, table)),
        n=n,
        agreed=agreed,
        percent=100 * agreed / n if n else None,
        low=100 * low,
        high=100 * high,
        kappa=kappa,
        kappa_low=kappa_low,
        kappa_high=kappa_high,
    )


def _kappa(table: list[list[int]], n: int) -> tuple[float | None, float | None, float | None]:
    """Kappa and the ends of its 95 % interval, within -1 and 1."""
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


def _standard_error(table: list[list[int]], first: list[int], second: list[int], n: int) -> float:
    """Of kappa, as in ``agreement``; 0 where rounding leaves nothing of the variance."""
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
