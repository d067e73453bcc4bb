"""The charts of monitoring: rates by week, how sure the model was, and how a stream drifts."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.utils import timezone

from classifier import charts
from classifier.charts import Axis, Bar, Chart, Line, Mark, across, up
from monitoring import bands
from monitoring.drift import DISTANCE_LIMIT, PSI_LIMIT
from monitoring.figures import Part
from monitoring.models import Drift
from monitoring.shares import Rate

MOST_TICKS = 6
ACCENT, QUIET, HERE = "line-accent", "line-quiet", "line-here"


@dataclass(frozen=True)
class NamedAxis(Axis):
    """An axis whose ticks have names: weeks, moments, ends of bands."""

    names: tuple[tuple[float, str], ...] = ()

    def ticks(self) -> list[float]:
        return [value for value, _ in self.names]

    def text(self, value: float) -> str:
        return dict(self.names)[value]


def overrides_chart(weeks: Mapping[date, Part]) -> Chart | None:
    return _by_week(
        "overrides",
        "Overridden by week",
        "of the answered and signed cells were signed as something else",
        weeks,
        lambda part: part.overridden,
    )


def abstention_chart(weeks: Mapping[date, Part]) -> Chart | None:
    return _by_week(
        "abstention",
        "Abstained by week",
        "of the cells that were read",
        weeks,
        lambda part: part.abstained,
    )


def _by_week(
    key: str,
    title: str,
    of_what: str,
    weeks: Mapping[date, Part],
    rate_of: Callable[[Part], Rate],
) -> Chart | None:
    """One point a week that has cells, with its interval."""
    points = [
        (place, week, rate_of(part))
        for place, (week, part) in enumerate(weeks.items())
        if rate_of(part).total
    ]
    if not points:
        return None
    top = charts.nice_top(max(0.01, *(_drawn_top(rate) for _, _, rate in points)))
    x, y = _weeks(list(weeks)), Axis("share", 0.0, min(1.0, top), percent=True)
    marks = [
        Mark(
            across(x, place),
            up(y, rate.value or 0),
            f"Week of {_day(week)}: {_percent(rate)} {of_what}",
            radius=3.5,
            whisker=(up(y, rate.interval[0]), up(y, rate.interval[1])),
        )
        for place, week, rate in points
    ]
    where = np.array([place for place, _, _ in points])
    values = np.array([rate.value or 0 for _, _, rate in points])
    whole = Rate(sum(r.count for _, _, r in points), sum(r.total for _, _, r in points))
    return Chart(
        key=key,
        title=title,
        description=f"{title}, over {len(weeks)} weeks. Altogether {_percent(whole)} {of_what}.",
        note="With 95 % intervals. Where they are long, there were few cells.",
        x=x,
        y=y,
        lines=[Line("Each week", ACCENT, charts.path(where, values, axes=(x, y)), marks)],
    )


def _drawn_top(rate: Rate) -> float:
    """A week of few cells does not set the scale: its interval may leave the sheet."""
    return rate.value or 0.0 if rate.few else rate.interval[1]


def _weeks(weeks: Sequence[date]) -> NamedAxis:
    step = max(1, -(-len(weeks) // MOST_TICKS))
    names = tuple((float(n), _day(weeks[n])) for n in range(0, len(weeks), step))
    return NamedAxis("week", -0.5, len(weeks) - 0.5, names=names)


def confidence_chart(sums: Counter[str], before: Counter[str]) -> Chart | None:
    return _bands("confidence", "Confidence", "confidence", bands.CONFIDENCE, sums, before)


def score_chart(sums: Counter[str], before: Counter[str]) -> Chart | None:
    name = "in-distribution score"
    return _bands("score", "Likeness to the training cells", name, bands.SCORE, sums, before)


def _bands(
    what: str,
    title: str,
    axis: str,
    ends: tuple[float, ...],
    sums: Counter[str],
    before: Counter[str],
) -> Chart | None:
    """Share of the cells in each band: bars now, a line for as long a time before."""
    now, then = (
        np.array([one[name] for name in bands.fields(what)], float) for one in (sums, before)
    )
    if not now.sum():
        return None
    shares = now / now.sum()
    earlier = then / then.sum() if then.sum() else None
    highest = max(float(shares.max()), 0.0 if earlier is None else float(earlier.max()))
    names = tuple((float(n), f"{end:g}".removeprefix("0") or "0") for n, end in enumerate(ends))
    x = NamedAxis(axis, 0.0, float(bands.COUNT), names=names)
    y = Axis("share of the cells", 0.0, min(1.0, charts.nice_top(highest)), percent=True)
    wide = (charts.RIGHT - charts.LEFT) / bands.COUNT
    middle = np.arange(bands.COUNT) + 0.5
    axes, inside = (x, y), (middle, bands.names(ends))
    # The bars say their value at their upper ends.
    lines = [Line("", QUIET, "", _band_marks("This period", now, axes, *inside), bare=True)]
    if earlier is not None:
        marks = _band_marks("Before", then, axes, *inside)
        path = charts.path(middle, earlier, axes=axes)
        lines.append(Line("As long a time before", ACCENT, path, marks))
    return Chart(
        key=what,
        title=title,
        description=f"{title}: share of {int(now.sum())} cells in each band of the {axis}"
        + ("." if earlier is None else f", and of {int(then.sum())} cells before."),
        note="The bands are not equally wide." if what == "confidence" else "",
        x=x,
        y=y,
        lines=lines,
        bars=[
            Bar(
                round(charts.LEFT + n * wide + 2, 1),
                up(y, share),
                round(wide - 4, 1),
                round(charts.BOTTOM - up(y, share), 1),
            )
            for n, share in enumerate(shares)
        ],
        bars_name="This period",
    )


def _band_marks(
    words: str,
    counts: np.ndarray,
    axes: tuple[Axis, Axis],
    middle: np.ndarray,
    names: Sequence[str],
) -> list[Mark]:
    shares = counts / counts.sum()
    return [
        Mark(
            across(axes[0], at),
            up(axes[1], share),
            f"{words}, {name}: {100 * share:.1f} % ({int(cells)} cells)",
        )
        for at, share, cells, name in zip(middle, shares, counts, names, strict=True)
    ]


def drift_chart(points: Sequence[Drift]) -> Chart | None:
    """The measures of a stream, each in units of its limit, over time."""
    if not points:
        return None
    series: list[tuple[str, str, int, list[float | None]]] = [
        ("Confidence", ACCENT, 0, [point.confidence_psi / PSI_LIMIT for point in points]),
        ("Mix of classes", QUIET, 1, [point.classes_psi / PSI_LIMIT for point in points]),
        (
            "Appearance",
            HERE,
            2,
            [None if p.distance is None else p.distance / DISTANCE_LIMIT for p in points],
        ),
    ]
    values = [value for *_, column in series for value in column if value is not None]
    x = _moments(points)
    y = Axis("of its limit", 0.0, charts.nice_top(max(1.25, *values)))
    lines = []
    for name, look, stroke, column in series:
        rows = [n for n, value in enumerate(column) if value is not None]
        if not rows:
            continue
        numbers = np.array([column[n] for n in rows], float)
        marks = [
            Mark(
                across(x, rows[n]),
                up(y, numbers[n]),
                f"{name}, {_moment(points[rows[n]].at)}: {numbers[n]:.2f} of its limit, "
                f"{points[rows[n]].cells} cells of {points[rows[n]].cases} cases",
            )
            for n in charts.spread(len(rows))
        ]
        path = charts.path(np.array(rows), numbers, axes=(x, y))
        lines.append(Line(name, look, path, marks, stroke=stroke, value=f"{numbers[-1]:.2f}"))
    limit = charts.path(np.array([x.low, x.high]), np.array([1.0, 1.0]), axes=(x, y))
    lines.append(Line("Alarm", "line-limit", limit, [], stroke=3))
    return Chart(
        key="drift",
        title="Drift of the newest cells",
        description=f"{len(points)} measurements of the newest cells against the reference, each in "
        "units of the limit from which on it alarms; the last are "
        + ", ".join(f"{line.name.lower()} {line.value}" for line in lines[:-1])
        + ".",
        note="Each measure in units of its limit: from 1 on it alarms.",
        x=x,
        y=y,
        lines=lines,
    )


def _moments(points: Sequence[Drift]) -> NamedAxis:
    """One place a measurement, some named by their day, or their hour where all lies in two days."""
    hours = (points[-1].at - points[0].at).total_seconds() < 2 * 86400
    step = max(1, -(-len(points) // (MOST_TICKS - 1)))
    names = []
    for place in range(0, len(points), step):
        local = timezone.localtime(points[place].at)
        names.append((float(place), f"{local:%H:%M}" if hours else _day(local.date())))
    what = "measurements, by the newest cell's " + ("time" if hours else "day")
    return NamedAxis(what, -0.5, len(points) - 0.5, names=tuple(names))


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local.day} {local:%b}, {local:%H:%M}"


def _percent(rate: Rate) -> str:
    low, high = rate.interval
    return (
        f"{100 * (rate.value or 0):.1f} % ({100 * low:.1f} to {100 * high:.1f}; "
        f"{rate.count} of {rate.total})"
    )
