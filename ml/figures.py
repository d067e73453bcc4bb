"""The pictures of a report, as one would put them into a paper."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.inference.classes import CLASSES
from ml.head import Row
from ml.metrics import reliability, risk_coverage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#1f5fa8", "#d9731a", "#8a8f98"


def _figure(width: float, height: float) -> "Figure":
    """A figure without pyplot: no global state, no display needed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    return figure


def learning_curves(history: Sequence[Row], path: Path) -> None:
    """Loss and accuracy of each phase, one phase a row."""
    phases = list(dict.fromkeys(row["phase"] for row in history))
    figure = _figure(8, 3.2 * len(phases))
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
    figure = _figure(5, 4.4)
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


def reliability_diagram(labels: np.ndarray, probabilities: np.ndarray, path: Path) -> None:
    figure = _figure(4.4, 4)
    axis = figure.subplots()
    confidence, accuracy, share = reliability(labels, probabilities)
    filled = share > 0
    axis.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfect")
    axis.bar(confidence[filled], share[filled], width=0.03, color=GREY, label="share of cells")
    axis.plot(confidence[filled], accuracy[filled], "o-", color=BLUE, label="this model")
    axis.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02))
    axis.legend(frameon=False, loc="upper left")
    figure.savefig(path)


def risk_coverage_curve(labels: np.ndarray, probabilities: np.ndarray, path: Path) -> None:
    figure = _figure(4.4, 4)
    axis = figure.subplots()
    coverage, risk = risk_coverage(labels, probabilities)
    axis.plot(coverage, risk, color=BLUE)
    axis.set(xlabel="share of cells answered, the surest first", ylabel="share of those wrong")
    axis.set(xlim=(0, 1), ylim=(0, max(0.01, float(risk.max()) * 1.05)))
    axis.grid(alpha=0.3)
    figure.savefig(path)


def sample_predictions(entries: Sequence[dict[str, Any]], path: Path, *, columns: int = 6) -> None:
    """A grid; each entry has picture (RGB uint8), true, predicted, confidence, abstained."""
    rows = max(1, -(-len(entries) // columns))
    figure = _figure(1.7 * columns, 2.1 * rows)
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
