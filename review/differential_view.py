"""A differential as a chart and as a table of the same figures: everything written, nothing counted.

It is drawn from ``Differential.as_dict()``, so that what is counted now and what a report froze
look alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from typing import Any

from review import figures
from review.choices import LETTERS, Label
from review.differential import COMMON, Differential
from review.policy import Level

# A square-root axis: on a straight one the classes that matter most, below 10 %, would be a smudge.
WIDTH = 200.0
TICKS = (0, 5, 10, 25, 50, 75, 100)  # percent
LABELLED = (0, 5, 25, 50, 100)


@dataclass(frozen=True)
class Bar:
    """From ``x``, so wide, in units of the chart's ``WIDTH``."""

    x: float
    width: float


@dataclass(frozen=True)
class Tick:
    x: float
    share: float  # the same, in percent of the width: of letters that do not grow with the chart
    label: str  # empty where there is no room
    anchor: str  # SVG text-anchor


@dataclass(frozen=True)
class Mark:
    """A flag as it is shown beside its class."""

    name: str
    sentence: str
    level: str
    high: bool
    certain: bool
    critical: bool

    @property
    def level_name(self) -> str:
        """Said before the sentence; empty where that says it, or there is nothing to say."""
        grave = self.critical or (self.certain and self.level in (Level.URGENT, Level.CRITICAL))
        return Level(self.level).label if grave else ""


@dataclass(frozen=True)
class Line:
    """One class."""

    label: str
    name: str
    letter: str
    count: int
    percent: str  # empty while nothing is counted
    interval: str
    absolute: str  # empty without a total WBC
    absolute_interval: str
    range_percent: str  # empty where the rules have none
    range_absolute: str
    mark: Mark | None
    point: float | None
    bar: Bar | None  # the interval
    band: Bar | None  # the range


@dataclass(frozen=True)
class View:
    lines: list[Line]
    ticks: list[Tick]
    n: int
    target: int
    missing: int
    total_wbc: str
    unidentified: int
    nrbc: str  # empty where there were none
    outside: list[str]
    marks: list[Mark]  # gravest first
    rules: str
    age_group: str
    age_known: bool

    @property
    def has_absolute(self) -> bool:
        return bool(self.total_wbc)


def view(differential: Differential | Mapping[str, Any]) -> View:
    """What the template draws, of a differential or of its frozen values."""
    data = differential.as_dict() if isinstance(differential, Differential) else differential
    marks = {flag["code"]: _mark(flag) for flag in data["flags"]}
    rows = [row for row in data["rows"] if row["label"] in COMMON or row["count"]]
    return View(
        lines=[_line(row, data["n"], marks.get(row["flag"] or "")) for row in rows],
        ticks=[_tick(percent) for percent in TICKS],
        n=data["n"],
        target=data["target"],
        missing=data["missing"],
        total_wbc="" if data["total_wbc"] is None else _plain(data["total_wbc"]),
        unidentified=data["unidentified"],
        nrbc=_nrbc(data["nrbc"]),
        outside=[
            f"{count} {_called(label, count)}"
            for label, count in data["outside"].items()
            if label != Label.ERYTHROBLAST or not data["nrbc"]
        ],
        marks=list(marks.values()),
        rules=data["rules"],
        age_group=data["age_group"],
        age_known=data["age"] is not None,
    )


def _mark(flag: Mapping[str, Any]) -> Mark:
    return Mark(
        name=flag["name"],
        sentence=flag["sentence"],
        level=flag["level"],
        high=flag["direction"] == "high",
        certain=flag["certain"],
        critical=flag["critical"],
    )


def _line(row: Mapping[str, Any], n: int, mark: Mark | None) -> Line:
    label, usual = row["label"], row["range_percent"]
    low, high = float(row["low"]), float(row["high"])
    counted, absolute = row["percent"] is not None, row["absolute"] is not None
    return Line(
        label=label,
        name=Label(label).label,
        letter=LETTERS[label],
        count=row["count"],
        # From the count itself: what was rounded once is not rounded again.
        percent=figures.percent(100 * row["count"] / n) if counted else "",
        interval=figures.percent_interval(low, high) if counted else "",
        absolute=figures.absolute(float(row["absolute"])) if absolute else "",
        absolute_interval=figures.absolute_interval(
            float(row["absolute_low"]), float(row["absolute_high"])
        )
        if absolute
        else "",
        range_percent=_span(usual),
        range_absolute=_span(row["range_absolute"]),
        mark=mark,
        point=_x(float(row["percent"])) if counted else None,
        bar=_bar(low, high) if counted else None,
        band=_bar(float(usual[0]), float(usual[1])) if usual else None,
    )


def _x(percent: float) -> float:
    return round(WIDTH * sqrt(percent / 100), 1)


def _bar(low: float, high: float) -> Bar:
    return Bar(_x(low), round(_x(high) - _x(low), 1))


def _tick(percent: int) -> Tick:
    anchor = {0: "start", 100: "end"}.get(percent, "middle")
    return Tick(
        _x(percent),
        round(100 * _x(percent) / WIDTH, 1),
        str(percent) if percent in LABELLED else "",
        anchor,
    )


def _plain(value: Any) -> str:
    return figures.plain(Decimal(str(value)))


def _span(ends: Any) -> str:
    return f"{_plain(ends[0])}-{_plain(ends[1])}" if ends else ""


def _nrbc(nrbc: Mapping[str, Any] | None) -> str:
    """ "3 per 100 WBC (0.6-9.0)"; empty where none were found."""
    if not nrbc or not nrbc["count"]:
        return ""
    low, high = figures.ratio(float(nrbc["low"])), nrbc["high"]
    interval = f"{low} or more" if high is None else f"{low}-{figures.ratio(float(high))}"
    return f"{figures.ratio(float(nrbc['per_100']))} per 100 WBC ({interval})"


def _called(label: str, count: int) -> str:
    """The label as a reader of English counts it: "2 artefacts", "1 not a cell"."""
    name = Label(label).label
    plural = label not in (Label.NOT_A_CELL, Label.CANNOT_TELL) and count != 1
    short = "NRBC" if label == Label.ERYTHROBLAST else name[0].lower() + name[1:]
    return f"{short}s" if plural and label != Label.ERYTHROBLAST else short
