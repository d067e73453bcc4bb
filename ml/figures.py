"""The pictures of a report, as one would put them into a paper."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.inference.classes import CLASSES
from ml.head import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ml.front import Point

BLUE, ORANGE, GREY = "#1f5fa8", "#d9731a", "#8a8f98"


def new_figure(width: float, height: float, layout: Any = "constrained") -> "Figure":
    """A figure without pyplot: no global state, no display needed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout, dpi=110)
    FigureCanvasAgg(figure)
    return figure


def learning_curves(history: Sequence[Row], path: Path) -> None:
    """Loss and accuracy of each phase, one phase a row."""
    phases = list(dict.fromkeys(row["phase"] for row in history))
    figure = new_figure(8, 3.2 * len(phases))
    axes = figure.subplots(len(phases), 2, squeeze=False)
    for line, phase in zip(axes, phases, strict=True):
        rows = [row for row in history if row["phase"] == phase]
        epochs = [row["epoch"] for row in rows]
        for axis, name in zip(line, ("loss", "accuracy"), strict=True):
            axis.plot(epochs, [row[name] for row in rows], color=BLUE, label="training, augmented")
            axis.plot(
                epochs, [row[f"val_{name}"] for row in rows], color=ORANGE, label="validation"
            )
            axis.set(xlabel="epoch", ylabel=name, title=phase)
            axis.grid(alpha=0.3)
            axis.legend(frameon=False)
    figure.savefig(path)


def confusion_matrix(table: np.ndarray, path: Path) -> None:
    figure = new_figure(5, 4.4)
    axis = figure.subplots()
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(CLASSES))
    axis.set_xticks(places, CLASSES, rotation=35, ha="right")
    axis.set_yticks(places, CLASSES)
    axis.set(xlabel="predicted", ylabel="true")
    for row in places:
        for column in places:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axis.text(column, row, str(table[row, column]), ha="center", va="center", color=colour)
    figure.savefig(path)


def sample_predictions(entries: Sequence[dict[str, Any]], path: Path, *, columns: int = 6) -> None:
    """A grid; each entry has picture (RGB uint8), true, predicted, confidence, abstained."""
    rows = max(1, -(-len(entries) // columns))
    figure = new_figure(1.7 * columns, 2.1 * rows, layout="none")  # a grid needs none, and is slow
    figure.subplots_adjust(0.01, 0.01, 0.99, 1 - 0.4 / (2.1 * rows), wspace=0.05, hspace=0.27)
    for axis in figure.subplots(rows, columns, squeeze=False).flat:
        axis.axis("off")
    for axis, entry in zip(figure.axes, entries, strict=False):
        axis.imshow(entry["picture"])
        right = entry["true"] == entry["predicted"]
        title = f"{entry['predicted']} {entry['confidence']:.2f}"
        title += "\n" if right else f"\ntrue: {entry['true']}"
        title += " (abstained)" if entry["abstained"] else ""
        axis.set_title(title, fontsize=7, color="black" if right else "#b00020")
    figure.savefig(path)


def front(points: "Sequence[Point]", path: Path) -> None:
    """Accuracy against images a second, a line a precision and number of views."""
    figure = new_figure(9, 3.6)
    lines = list(dict.fromkeys((point.precision, point.views) for point in points))
    for axis, name, title in zip(
        figure.subplots(1, 2), ("test", "bccd"), ("pbc/test", "BCCD, whole fields"), strict=True
    ):
        for precision, views in lines:
            own = [p for p in points if (p.precision, p.views) == (precision, views)]
            label = f"{precision}, {views} view{'s' if views > 1 else ''}"
            rates = [p.images_per_second for p in own]
            axis.plot(rates, [getattr(p, name) for p in own], "o-", label=label)
            for p in own:
                axis.annotate(
                    str(p.input_size), (p.images_per_second, getattr(p, name)), fontsize=7,
                    xytext=(3, 4), textcoords="offset points",
                )  # fmt: skip
        axis.set(xlabel="images a second, engine alone", ylabel="accuracy", title=title)
        axis.set_xscale("log")
        axis.grid(alpha=0.3, which="both")
    figure.axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path)
