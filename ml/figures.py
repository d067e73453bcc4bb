"""The pictures of a report, as one would put them into a paper."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.inference.classes import CLASSES
from ml.head import Row
from ml.metrics import reliability, risk_coverage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ml.front import Point

BLUE, ORANGE, GREY = "#1f5fa8", "#d9731a", "#8a8f98"
HUES = ("#6b2aa6", "#a54700", "#1b5cb8", "#486552", "#b0225a")  # of the classes, as in the product
STROKES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))  # colour is never the only signal


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


def risk_coverage_curves(sets: Mapping[str, tuple[np.ndarray, np.ndarray]], path: Path) -> None:
    """Of each set's (labels, probabilities), by name."""
    figure = _figure(4.4, 4)
    axis = figure.subplots()
    most = 0.01
    for colour, (name, (labels, probabilities)) in zip((BLUE, ORANGE), sets.items(), strict=False):
        coverage, risk = risk_coverage(labels, probabilities)
        axis.plot(coverage, risk, color=colour, label=name)
        most = max(most, float(risk[len(risk) // 20 :].max()) * 1.1)
    axis.set(xlabel="share of cells answered, the surest first", ylabel="share of those wrong")
    axis.set(xlim=(0, 1), ylim=(0, most))
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, loc="upper left")
    figure.savefig(path)


def roc_curves(labels: np.ndarray, probabilities: np.ndarray, path: Path) -> None:
    """Each class that occurs against the rest."""
    from sklearn.metrics import roc_auc_score, roc_curve

    def draw(axis: "Axes", own: np.ndarray, scores: np.ndarray, name: str, **look: Any) -> None:
        false, true, _ = roc_curve(own, scores)
        axis.plot(false, true, label=f"{name}  {roc_auc_score(own, scores):.3f}", **look)

    figure = _by_class(labels, probabilities, draw)
    figure.axes[0].plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
    figure.axes[0].set(xlabel="false positive rate", ylabel="sensitivity")
    figure.axes[0].legend(frameon=False, loc="lower right", title="class, area", fontsize=8)
    figure.savefig(path)


def precision_recall_curves(labels: np.ndarray, probabilities: np.ndarray, path: Path) -> None:
    """Each class that occurs against the rest."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    def draw(axis: "Axes", own: np.ndarray, scores: np.ndarray, name: str, **look: Any) -> None:
        precision, recall, _ = precision_recall_curve(own, scores)
        label = f"{name}  {average_precision_score(own, scores):.3f}"
        axis.plot(recall, precision, drawstyle="steps-post", label=label, **look)

    figure = _by_class(labels, probabilities, draw)
    figure.axes[0].set(xlabel="recall (sensitivity)", ylabel="precision")
    figure.axes[0].legend(
        frameon=False, loc="lower left", title="class, average precision", fontsize=8
    )
    figure.savefig(path)


def _by_class(labels: np.ndarray, probabilities: np.ndarray, draw: Callable[..., None]) -> "Figure":
    figure = _figure(4.4, 4)
    axis = figure.subplots()
    for place, name in enumerate(CLASSES):
        own = labels == place
        if own.any() and not own.all():
            look = {"color": HUES[place], "linestyle": STROKES[place]}
            draw(axis, own, probabilities[:, place], f"{name[0].upper()}  {name}", **look)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axis.grid(alpha=0.3)
    return figure


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


def front(points: "Sequence[Point]", path: Path) -> None:
    """Accuracy against images a second, a line a precision and number of views."""
    figure = _figure(9, 3.6)
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
