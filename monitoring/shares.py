"""Rates with their intervals, as the pages show them."""

from dataclasses import dataclass
from math import sqrt

from classifier.counting import exact_interval

Z = 1.959963984540054  # of 95 %, two-sided
EXACT_TO = 500  # cells; beyond, the two intervals differ by less than is shown
FEW = 50  # of fewer cells a rate says little, and the page says so


def interval(count: int, total: int) -> tuple[float, float]:
    """95 % interval of a proportion: exact for few cells, Wilson's (1927) for many, where the exact
    one takes long and says the same."""
    if total <= EXACT_TO:
        return exact_interval(count, total)
    share, weight = count / total, Z * Z / total
    middle = (share + weight / 2) / (1 + weight)
    half = Z * sqrt(share * (1 - share) / total + weight / (4 * total)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Rate:
    """A count of a total."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        return interval(self.count, self.total)

    @property
    def few(self) -> bool:
        return self.total < FEW
