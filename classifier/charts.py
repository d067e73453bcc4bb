"""Line charts as SVG, drawn by the server: this is where on the sheet everything lies.

A chart is 400 by 280 units and as wide as its place allows. Colours are CSS classes, so that a
chart follows the theme; each line has a stroke of its own, since colour is never the only signal.
``templates/classifier/_chart.html`` draws it, ``static/js/chart.js`` says the value under the
pointer, and the same numbers stand in a table beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

WIDTH, HEIGHT = 400.0, 280.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 388.0, 12.0, 236.0
MOST_MARKS = 24  # points of a line that say their value
TICK_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    name: str
    low: float
    high: float
    percent: bool = False

    def share(self, values: np.ndarray) -> np.ndarray:
        """Where values lie between the ends, 0 to 1; what lies outside is moved to the edge."""
        return np.clip((values - self.low) / (self.high - self.low), 0, 1)

    def ticks(self) -> list[float]:
        """Some four to six round values between the ends."""
        rough = (self.high - self.low) / 5
        size = 10 ** np.floor(np.log10(rough))
        step = next(size * one for one in TICK_STEPS if size * one >= rough * 0.999)
        first, last = np.ceil(self.low / step - 1e-9), np.floor(self.high / step + 1e-9)
        return [float(n * step) + 0.0 for n in np.arange(first, last + 1)]

    def text(self, value: float) -> str:
        if self.percent:
            return f"{100 * value:.10g} %"
        return f"{round(value, 10):.10g}"


@dataclass(frozen=True)
class Mark:
    """A point that says what it is when it is pointed at."""

    x: float
    y: float
    say: str
    radius: float = 2.5
    whisker: tuple[float, float] | None = None
    """Ends of its interval, in units of the sheet."""


@dataclass(frozen=True)
class Line:
    name: str
    look: str
    """CSS class that carries its hue."""
    path: str
    marks: Sequence[Mark]
    stroke: int = 0
    """Which of the five patterns of dashes."""
    letter: str = ""
    value: str = ""
    """Said in the legend, behind the name."""
    bare: bool = False
    """Its points are not drawn; they say their value all the same."""


@dataclass(frozen=True)
class Rule:
    """A vertical line with words at its head."""

    x: float
    text: str
    y: float


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    key: str
    title: str
    description: str
    """What is to be seen, for who does not see it."""
    x: Axis
    y: Axis
    lines: Sequence[Line] = ()
    bars: Sequence[Bar] = ()
    bars_name: str = ""
    rules: Sequence[Rule] = ()
    diagonal: bool = False
    guide_name: str = ""
    """What the diagonal means."""
    note: str = ""
    left: float = field(default=LEFT, init=False)
    right: float = field(default=RIGHT, init=False)
    top: float = field(default=TOP, init=False)
    bottom: float = field(default=BOTTOM, init=False)

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        return [(across(self.x, value), self.x.text(value)) for value in self.x.ticks()]

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        return [(up(self.y, value), self.y.text(value)) for value in self.y.ticks()]

    @property
    def middle_x(self) -> float:
        return (LEFT + RIGHT) / 2

    @property
    def middle_y(self) -> float:
        return (TOP + BOTTOM) / 2


def across(axis: Axis, value: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * float(axis.share(np.array(value))), 1)


def up(axis: Axis, value: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * float(axis.share(np.array(value))), 1)


def path(x: np.ndarray, y: np.ndarray, *, axes: tuple[Axis, Axis], steps: bool = False) -> str:
    """The ``d`` of a line through the points (N,); ``steps``: level to each point, then up or down.

    Points of a tenth of a unit or less, and those on a straight line between their neighbours, are
    left out: a step curve of a hundred thousand cells has no more points than the sheet can show.
    """
    if steps:
        x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    points = np.column_stack(
        [
            LEFT + (RIGHT - LEFT) * axes[0].share(np.asarray(x, float)),
            BOTTOM - (BOTTOM - TOP) * axes[1].share(np.asarray(y, float)),
        ]
    ).round(1)
    moved = np.append(True, np.abs(np.diff(points, axis=0)).max(axis=1) > 0)
    points = points[moved]
    if len(points) > 2:
        before, after = np.diff(points[:-1], axis=0), np.diff(points[1:], axis=0)
        bent = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-6
        turned = (before * after).sum(axis=1) < 0
        points = points[np.concatenate([[True], bent | turned, [True]])]
    return "M" + "L".join(f"{a:g} {b:g}" for a, b in points) if len(points) else ""


def within(x: np.ndarray, y: np.ndarray, axis: Axis) -> tuple[np.ndarray, np.ndarray]:
    """The part of a curve between the ends of the x axis, cut off exactly there. ``x`` rises."""
    inside = (x >= axis.low) & (x <= axis.high)
    left, right = x[:1] < axis.low, x[-1:] > axis.high
    return (
        np.concatenate([np.full(left.sum(), axis.low), x[inside], np.full(right.sum(), axis.high)]),
        np.concatenate(
            [
                np.interp(np.full(left.sum(), axis.low), x, y),
                y[inside],
                np.interp(np.full(right.sum(), axis.high), x, y),
            ]
        ),
    )


def spread(count: int, most: int = MOST_MARKS) -> np.ndarray:
    """Which of ``count`` points say their value: all, or evenly many with the first and last."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(int))


def spread_along(x: np.ndarray, y: np.ndarray, most: int = MOST_MARKS) -> np.ndarray:
    """The same, evenly along the curve: most cells of a good model lie in one corner of it."""
    if len(x) <= most:
        return np.arange(len(x))
    length = np.append(0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    return np.unique(np.searchsorted(length, np.linspace(0, length[-1], most)).clip(0, len(x) - 1))


def nice_top(value: float) -> float:
    """A round end of an axis at or above the value."""
    if not value > 0:
        return 1.0
    size = 10 ** np.floor(np.log10(value))
    steps = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
    return float(next(size * one for one in steps if size * one >= value * 0.9999))
