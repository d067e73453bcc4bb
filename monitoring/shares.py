"""Rates with their intervals, as the pages show them."""

from classifier.counting import exact_interval, wilson_interval
from classifier.measures import Share

EXACT_TO = 500  # cells; beyond, the two intervals differ by less than is shown
FEW = 50  # of fewer cells a rate says little, and the page says so


def interval(count: int, total: int) -> tuple[float, float]:
    """95 % interval of a proportion: exact for few cells, Wilson's for many."""
    return (exact_interval if total <= EXACT_TO else wilson_interval)(count, total)


class Rate(Share):
    """A share of many cells, or of few."""

    @property
    def interval(self) -> tuple[float, float]:
        return interval(self.count, self.total)

    @property
    def few(self) -> bool:
        return self.total < FEW
