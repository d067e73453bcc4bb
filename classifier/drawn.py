"""The charts of a model: what its locked sets and its training history look like."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from classifier import charts
from classifier.charts import Axis, Bar, Chart, Line, Mark, Rule, across, up
from classifier.inference.classes import CLASSES
from classifier.inference.locked import Locked
from classifier.measures import (
    Bin,
    Curve,
    calibration_error,
    precision_recall,
    risk_coverage,
    roc,
)
from classifier.stated import Epoch

ACCENT, QUIET = "line-accent", "line-quiet"
UNIT = (0.0, 1.0)
NEAR = 0.995  # area from which on a curve lies in its corner


def look(label: str) -> str:
    return f"hue-{label[0]}"


def roc_chart(locked: Locked) -> Chart | None:
    """Sensitivity against the false positive rate, each class against the rest."""
    curves = _by_class(locked, roc)
    near = _near(curves)
    x = Axis("false positive rate", 0.0, 0.1 if near else 1.0)
    y = Axis("sensitivity", 0.9 if near else 0.0, 1.0)
    corner = "upper left" if near else ""
    drawing = _classes("roc", "ROC curve by class", (x, y), curves, "area under it", corner)
    if drawing is None or near:
        return drawing
    return replace(drawing, diagonal=True, guide_name="by chance")


def precision_recall_chart(locked: Locked) -> Chart | None:
    """Precision against recall, each class against the rest."""
    curves = _by_class(locked, precision_recall)
    near = _near(curves)
    x, y = (Axis(name, 0.9 if near else 0.0, 1.0) for name in ("recall", "precision"))
    corner = "upper right" if near else ""
    title = "Precision and recall by class"
    return _classes("precision-recall", title, (x, y), curves, "average precision", corner)


def _by_class(
    locked: Locked, curve_of: Callable[[np.ndarray, np.ndarray], Curve | None]
) -> dict[int, Curve]:
    """Of each class that occurs and is not all there is."""
    found = {
        place: curve_of(locked.truth == place, locked.probabilities[:, place])
        for place in range(len(CLASSES))
    }
    return {place: curve for place, curve in found.items() if curve is not None}


def _near(curves: Mapping[int, Curve]) -> bool:
    """Whether all curves lie in a corner of the sheet, which is then shown enlarged."""
    return bool(curves) and min(curve.area for curve in curves.values()) >= NEAR


def _classes(
    key: str,
    title: str,
    axes: tuple[Axis, Axis],
    curves: Mapping[int, Curve],
    figure: str,
    corner: str,
) -> Chart | None:
    if not curves:
        return None
    lines = [_of_class(place, curve, axes) for place, curve in curves.items()]
    said = "; ".join(f"{line.name} {line.value}" for line in lines)
    enlarged = f" Shown is the {corner} corner, ten times enlarged." if corner else ""
    return Chart(
        key=key,
        title=title,
        description=f"Each class against the rest; {figure}: {said}.{enlarged}",
        note=f"Each class against the rest; in the legend the {figure}.{enlarged}",
        x=axes[0],
        y=axes[1],
        lines=lines,
    )


def _of_class(place: int, curve: Curve, axes: tuple[Axis, Axis]) -> Line:
    label, (x, y) = CLASSES[place], axes
    inside = np.flatnonzero(
        (curve.x >= x.low) & (curve.x <= x.high) & (curve.y >= y.low) & (curve.y <= y.high)
    )
    said = inside[charts.spread_along(curve.x[inside], curve.y[inside])] if len(inside) else []
    return Line(
        name=label.capitalize(),
        letter=label[0].upper(),
        look=look(label),
        stroke=place,
        value=f"{curve.area:.4f}",
        path=charts.path(
            *charts.within(curve.x, curve.y, x), axes=axes, steps=y.name == "precision"
        ),
        marks=[
            Mark(
                across(x, curve.x[n]),
                up(y, curve.y[n]),
                f"{label.capitalize()}: {x.name} {curve.x[n]:.4f}, {y.name} {curve.y[n]:.4f}"
                f"{_from(curve.threshold[n])}",
            )
            for n in said
        ],
        bare=True,
    )


def _from(threshold: float) -> str:
    return f", from probability {threshold:.3f}" if np.isfinite(threshold) else ""


def reliability_chart(bins: Sequence[Bin]) -> Chart:
    x, y = Axis("confidence", *UNIT), Axis("share right", *UNIT)
    ece = calibration_error(list(bins))
    marks = [
        Mark(
            across(x, one.confidence),
            up(y, one.right.value or 0),
            f"Confidence {one.low:.2f} to {one.high:.2f}, on average {one.confidence:.3f}: "
            f"{one.right.value:.3f} right ({one.right.interval[0]:.3f} to "
            f"{one.right.interval[1]:.3f}), {one.right.total} cells",
            radius=round(2.5 + 3.5 * one.share**0.5, 1),
            whisker=(up(y, one.right.interval[0]), up(y, one.right.interval[1])),
        )
        for one in bins
    ]
    confidence = np.array([one.confidence for one in bins])
    right = np.array([one.right.value or 0 for one in bins])
    wide = charts.RIGHT - charts.LEFT
    return Chart(
        key="reliability",
        title="Reliability",
        description=f"How often it is right against how sure it is, in {len(bins)} bins of "
        f"confidence; the expected calibration error is {ece:.4f}.",
        note=f"Expected calibration error {ece:.4f}. On the broken line, confidence is the share "
        "that is right.",
        x=x,
        y=y,
        lines=[
            Line(
                "This model, with 95 % intervals",
                ACCENT,
                charts.path(confidence, right, axes=(x, y)),
                marks,
            )
        ],
        bars=[
            Bar(
                round(charts.LEFT + one.low * wide + 1, 1),
                up(y, one.share),
                round((one.high - one.low) * wide - 2, 1),
                round(charts.BOTTOM - up(y, one.share), 1),
            )
            for one in bins
        ],
        bars_name="share of all cells",
        diagonal=True,
        guide_name="perfect",
    )


def risk_chart(locked: Locked) -> Chart:
    curve = risk_coverage(locked)
    # The first few cells make the curve jump; they do not set the scale.
    settled = curve.y[len(curve.y) // 20 :]
    x = Axis("share answered, the surest first", *UNIT)
    y = Axis("share of those wrong", 0.0, charts.nice_top(max(float(settled.max()), 0.001)))
    answered = ~locked.abstained
    many, wrong = int(answered.sum()), int((answered & (locked.predicted != locked.truth)).sum())
    lines = [
        Line(
            "By confidence alone",
            ACCENT,
            charts.path(curve.x, curve.y, axes=(x, y)),
            [
                Mark(
                    across(x, curve.x[n]),
                    up(y, curve.y[n]),
                    f"The surest {100 * curve.x[n]:.1f} % answered (confidence {curve.threshold[n]:.3f} "
                    f"or more): {100 * curve.y[n]:.2f} % of them wrong",
                )
                for n in charts.spread(len(curve.x))
            ],
        )
    ]
    said = "It abstains on every cell."
    if many:
        share, risk = many / len(answered), wrong / many
        said = (
            f"With its own thresholds it answers {100 * share:.1f} % of the cells, and "
            f"{100 * risk:.2f} % of those are wrong."
        )
        at = Mark(across(x, share), up(y, risk), said, radius=5)
        lines.append(Line("With its own thresholds", "line-here", "", [at]))
    return Chart(
        key="risk-coverage",
        title="Risk and coverage",
        description=f"Share of the answers that are wrong, against the share answered. {said}",
        note=said,
        x=x,
        y=y,
        lines=lines,
    )


def learning_charts(history: Sequence[Epoch]) -> list[Chart]:
    """Loss and accuracy over all epochs, the phases marked; only what the history has."""
    if len(history) < 2:
        return []
    found = [
        _learning("Accuracy", "accuracy", history, top=1.0),
        _learning("Loss", "loss", history, top=None),
    ]
    return [chart for chart in found if chart is not None]


def _learning(title: str, name: str, history: Sequence[Epoch], top: float | None) -> Chart | None:
    series = [
        (words, style, stroke, [getattr(epoch, field) for epoch in history])
        for words, style, stroke, field in (
            ("Training", QUIET, 1, name),
            ("Validation", ACCENT, 0, f"val_{name}"),
        )
    ]
    values = [value for *_, column in series for value in column if value is not None]
    if not values:
        return None
    low = 0.0
    if top is not None:
        low = max(0.0, min(0.9, np.floor(min(values) * 10 - 1e-9) / 10))
    x = Axis("epoch", 1, len(history))
    y = Axis(title.lower(), low, top if top is not None else charts.nice_top(max(values)))
    lines = []
    for words, style, stroke, column in series:
        rows = [n for n, value in enumerate(column) if value is not None]
        if not rows:
            continue
        numbers = np.array([column[n] for n in rows], float)
        lines.append(
            Line(
                words,
                style,
                _by_phase(history, rows, numbers, (x, y)),
                [
                    Mark(
                        across(x, rows[n] + 1),
                        up(y, numbers[n]),
                        f"{history[rows[n]].phase.capitalize()}, epoch {history[rows[n]].number}: "
                        f"{words.lower()} {title.lower()} {numbers[n]:.4f}",
                        radius=1.5,
                    )
                    for n in charts.spread(len(rows), 60)
                ],
                stroke=stroke,
            )
        )
    begins = [n for n in range(len(history)) if n == 0 or history[n].phase != history[n - 1].phase]
    last = next((v for v in reversed(series[1][3]) if v is not None), None)
    return Chart(
        key=f"learning-{name}",
        title=title,
        description=f"{title} on training and validation cells over {len(history)} epochs, in "
        f"{len(begins)} {'phase' if len(begins) == 1 else 'phases'}: "
        f"{', '.join(history[n].phase for n in begins)}."
        + (f" The last on validation cells is {last:.4f}." if last is not None else ""),
        x=x,
        y=y,
        lines=lines,
        rules=[
            Rule(across(x, n + 1 if n == 0 else n + 0.5), history[n].phase[:24], place)
            for n, place in zip(begins, _heights(len(begins), title), strict=True)
        ],
    )


def _heights(count: int, title: str) -> list[float]:
    """Names of neighbouring phases stand at different heights, where the lines are not."""
    first = charts.TOP + 10 if title == "Loss" else charts.BOTTOM - 30
    return [first + 12 * (n % 2) for n in range(count)]


def _by_phase(
    history: Sequence[Epoch], rows: list[int], numbers: np.ndarray, axes: tuple[Axis, Axis]
) -> str:
    """One path a phase: between two phases more changed than time."""
    parts, begin = [], 0
    for n in range(1, len(rows) + 1):
        if n == len(rows) or history[rows[n]].phase != history[rows[begin]].phase:
            where = np.array(rows[begin:n]) + 1
            parts.append(charts.path(where, numbers[begin:n], axes=axes))
            begin = n
    return "".join(parts)
