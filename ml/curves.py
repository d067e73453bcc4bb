"""Curves of a report: how far confidence can be trusted, and classes against each other."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.inference.classes import CLASSES
from ml.figures import BLUE, GREY, ORANGE, new_figure
from ml.metrics import reliability, risk_coverage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HUES = ("#6b2aa6", "#a54700", "#1b5cb8", "#486552", "#b0225a")  # of the classes, as in the product
LEGEND = {"fontsize": 8, "edgecolor": "none", "framealpha": 0.85}  # curves may pass under it
STROKES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))  # colour is never the only signal


def reliability_diagram(labels: np.ndarray, probabilities: np.ndarray, path: Path) -> None:
    figure = new_figure(4.4, 4)
    axis = figure.subplots()
    confidence, accuracy, share = reliability(labels, probabilities)
    filled = share > 0
    axis.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfect")
    axis.bar(confidence[filled], share[filled], width=0.03, color=GREY, label="share of cells")
    axis.plot(confidence[filled], accuracy[filled], color=BLUE, linewidth=1, label="this model")
    # A bin of few cells says little, so its point is small.
    axis.scatter(confidence[filled], accuracy[filled], 12 + 120 * share[filled], color=BLUE)
    axis.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02))
    axis.legend(frameon=False, loc="upper left")
    figure.savefig(path)


def risk_coverage_curves(sets: Mapping[str, tuple[np.ndarray, np.ndarray]], path: Path) -> None:
    """Of each set's (labels, probabilities), by name."""
    figure = new_figure(4.4, 4)
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
    figure.axes[0].legend(**LEGEND, loc="lower right", title="class, area")
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
    figure.axes[0].legend(**LEGEND, loc="lower left", title="class, average precision")
    figure.savefig(path)


def _by_class(labels: np.ndarray, probabilities: np.ndarray, draw: Callable[..., None]) -> "Figure":
    figure = new_figure(4.4, 4)
    axis = figure.subplots()
    for place, name in enumerate(CLASSES):
        own = labels == place
        if own.any() and not own.all():
            look = {"color": HUES[place], "linestyle": STROKES[place]}
            draw(axis, own, probabilities[:, place], f"{name[0].upper()}  {name}", **look)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axis.grid(alpha=0.3)
    return figure
