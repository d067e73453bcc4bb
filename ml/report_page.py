"""report.md and report.html of an evaluation; the page is one file, figures included."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from classifier.inference.manifest import read_manifest
from ml.report import first_test, markdown, read_sections
from ml.tables import figure

FIELDS = "bccd whole fields"
CAPTIONS = {
    "learning_curves": "Learning curves: loss and accuracy of each phase, epoch by epoch.",
    "confusion_matrix": "Confusion matrix. Shade: share of the true class.",
    "reliability": "Reliability: accuracy against confidence, 15 bins.",
    "risk_coverage": "Risk and coverage: error among the surest, as more are answered.",
    "roc": "ROC curves, each class against the rest.",
    "precision_recall": "Precision and recall, each class against the rest.",
    "samples_right": "Right: suggestion and confidence.",
    "samples_wrong": "Wrong: suggestion and confidence, and the true class.",
}
GROUPS = {
    "How it learnt": ("learning_curves",),
    "The laboratory of the training pictures": (
        "confusion_matrix", "reliability", "roc", "precision_recall",
    ),
    "Another laboratory (BCCD, whole fields)": (
        "confusion_matrix_bccd", "reliability_bccd", "roc_bccd", "precision_recall_bccd",
    ),
    "Answering and not answering": ("risk_coverage",),
    "Cells of that laboratory": ("samples_wrong", "samples_right"),
    "Cells (BCCD, whole fields)": ("samples_wrong_bccd", "samples_right_bccd"),
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    caption: str
    source: str
    """A data address."""
    wide: bool


def write_reports(directory: Path, out: Path, found: dict[str, Any]) -> None:
    """From the figures in `out`, what was found, and what lies in the model directory."""
    made = read_sections(directory, found)
    (out / "report.md").write_text(f"# {found['model']}\n\n{markdown(made)}")
    manifest = read_manifest(directory)
    page = render_to_string(
        "ml/report.html",
        {
            "found": found,
            "manifest": manifest,
            "lead": lead(found),
            "sections": made,
            "groups": {title: pictures(out, names) for title, names in GROUPS.items()},
        },
    )
    (out / "report.html").write_text(page)


def lead(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The first figures one asks for: (what, how much, its interval)."""
    rows = []
    for name, place in (
        (first_test(found["sets"]), "own laboratory"),
        (FIELDS, "another laboratory"),
    ):
        row = found["sets"].get(name)
        if row:
            rows.append((f"accuracy, {place}", *split(figure(row, "accuracy", ".1%"))))
            rows.append((f"abstained, {place}", *split(figure(row, "abstained", ".1%"))))
    return rows


def split(text: str) -> tuple[str, str]:
    """ "98.7% (98.1%–99.2%)" to "98.7%" and "98.1%–99.2%"."""
    value, _, ends = text.partition(" (")
    return value, ends.rstrip(")")


def pictures(out: Path, names: tuple[str, ...]) -> list[Picture]:
    """Those that were drawn."""
    found = []
    for name in names:
        path = out / "figures" / f"{name}.png"
        if path.is_file():
            encoded = base64.b64encode(path.read_bytes()).decode()
            caption = CAPTIONS[name.removesuffix("_bccd")]
            wide = name.startswith(("samples", "learning"))
            found.append(Picture(caption, f"data:image/png;base64,{encoded}", wide))
    return found
