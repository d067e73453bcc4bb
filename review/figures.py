"""How the figures of a differential are written: never rounded to a certainty they do not have."""

from decimal import Decimal

UNIT = "×10⁹/L"


def percent(value: float) -> str:
    """ "6", "2.5", "0.03": one digit after the point, two where one would say 0 or 100."""
    return _short(value, top=100.0)


def percent_interval(low: float, high: float) -> str:
    """ "2.2-12.6": one digit after the point at both ends."""
    return f"{_fixed(low, top=100.0)}-{_fixed(high, top=100.0)}"


def absolute(value: float) -> str:
    """ "0.43" (10*9/L): two digits after the point, three where two would say 0."""
    return f"{value:.3f}" if 0 < value < 0.005 else f"{value:.2f}"


def absolute_interval(low: float, high: float) -> str:
    return f"{absolute(low)}-{absolute(high)}"


def plain(value: Decimal) -> str:
    """As people write it: "7.2" of 7.20, "20" of 2E+1."""
    return format(value.normalize(), "f")


def span(ends: tuple[Decimal, Decimal]) -> str:
    return f"{plain(ends[0])}-{plain(ends[1])}"


def cells(count: int) -> str:
    return f"{count} {'cell' if count == 1 else 'cells'}"


def _fixed(value: float, *, top: float) -> str:
    text = f"{value:.1f}"
    if (value > 0 and float(text) == 0) or (value < top and float(text) == top):
        text = f"{value:.2f}"
    return text.removesuffix(".0") if value in (0.0, top) else text


def _short(value: float, *, top: float) -> str:
    return _fixed(value, top=top).removesuffix(".0")


def ratio(value: float) -> str:
    """A number per 100 of something else: "3", "0.6", and above 10 whole."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
