"""How far two readers agree on the same cells: in percent, beyond chance (kappa), and on what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from classifier.counting import exact_interval
from classifier.kappa import cohens_kappa
from review.choices import Label

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

    Percent agreement has the exact interval (Clopper & Pearson 1934), kappa that of
    ``classifier.kappa``; it is None where both called every cell the same one class.
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
    kappa, kappa_low, kappa_high = cohens_kappa(table)
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
