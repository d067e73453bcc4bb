"""Percentages from counting cells, with their uncertainty."""

import math

Z95 = 1.959964  # two-sided 95 % of the normal distribution


def wilson(count: int, total: int) -> tuple[float, float]:
    """95 % interval of a proportion, each end 0 to 1 (Wilson, J Am Stat Assoc 1927;22:209-212).

    (0, 1) when nothing was counted.
    """
    if total == 0:
        return 0.0, 1.0
    share = count / total
    square = Z95 * Z95
    centre = (share + square / (2 * total)) / (1 + square / total)
    half = (Z95 * math.sqrt(share * (1 - share) / total + square / (4 * total * total))) / (
        1 + square / total
    )
    return max(0.0, centre - half), min(1.0, centre + half)
