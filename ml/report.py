"""metrics.json in words: report.md for the run, MODEL_CARD.md for whoever is handed the model."""

import json
import shutil
from pathlib import Path
from typing import Any

from classifier.inference.manifest import FILE_NAME
from ml.card import write_card
from ml.export import write_manifest
from ml.head import read_history
from ml.runs import write_json

# The pictures of cells stay in the run folder: the data sets' pictures are not ours to ship.
SHIPPED_FIGURES = (
    "learning_curves.png",
    "confusion_matrix.png",
    "reliability.png",
    "risk_coverage.png",
)


def publish(run: Path, found: dict[str, Any]) -> None:
    """Write report.md, and put metrics, card and figures into the run's model directory."""
    report = describe(found, run)
    (run / "report.md").write_text(f"# {found['model']}\n\n{report}")
    directory = run / "model"
    manifest = json.loads((directory / FILE_NAME).read_text())
    facts = json.loads((run / "config.json").read_text())
    card = write_card(manifest, facts, found, read_history(run / "history.csv"), report)
    (directory / "MODEL_CARD.md").write_text(card)
    write_json(directory / "metrics.json", found)
    (directory / "figures").mkdir(exist_ok=True)
    for name in SHIPPED_FIGURES:
        if (run / "figures" / name).is_file():
            shutil.copyfile(run / "figures" / name, directory / "figures" / name)
    manifest["metrics"] = headline(found)
    write_manifest(directory, manifest)


def headline(found: dict[str, Any]) -> dict[str, Any]:
    """The figures that lists and comparisons show; metrics.json has all of them."""
    test = found["sets"]["pbc/test"]
    keys = ("cells", "accuracy", "accuracy_interval", "macro_f1", "loss", "calibration_error")
    return {
        "pbc/test": {key: test[key] for key in (*keys, "brier", "abstained")},
        **{
            name: {key: figures[key] for key in ("cells", "accuracy", "abstained")}
            for name, figures in found["sets"].items()
            if name != "pbc/test"
        },
        "abstained": {kind: shares["all"] for kind, shares in found["abstention"].items()},
    }


def describe(found: dict[str, Any], run: Path) -> str:
    """The tables, in Markdown."""
    lines = [
        "## Results",
        "Accuracy counts every cell, abstained or not; the intervals are 95 % bootstrap.",
        "",
        "| set | cells | accuracy | macro-F1 | loss | ECE | Brier | abstained | accuracy of the "
        "answered |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in found["sets"].items():
        low, high = row["accuracy_interval"]
        answered = row["answered"]["accuracy"]
        lines.append(
            f"| {name} | {row['cells']} | {row['accuracy']:.4f} ({low:.4f}-{high:.4f}) "
            f"| {row['macro_f1']:.4f} | {row['loss']:.4f} | {row['calibration_error']:.4f} "
            f"| {row['brier']:.4f} | {row['abstained']:.1%} "
            f"| {_figure(answered)} |"
        )
    test = found["sets"]["pbc/test"]
    lines += ["", "### pbc/test by class", "| class | precision | recall | F1 | AUC | cells |"]
    lines.append("|---|---|---|---|---|---|")
    for name, row in test["classes"].items():
        lines.append(
            f"| {name} | {row['precision']:.4f} | {row['recall']:.4f} | {row['f1']:.4f} "
            f"| {_figure(test['areas_under_roc'][name])} | {row['support']} |"
        )
    lines += ["", "Confusion (rows: true; order of the table above):", "", "```"]
    lines += ["".join(f"{count:6d}" for count in row) for row in test["confusion"]]
    lines += ["```"]
    if "attributes" in test:
        lines += [
            "",
            "### What it sees of the cell (pbc/test)",
            "| attribute | accuracy | always the commonest value |",
            "|---|---|---|",
        ]
        lines += [
            f"| {name} | {row['accuracy']:.4f} | {row['commonest_value']:.4f} |"
            for name, row in test["attributes"].items()
        ]
    lines += ["", "### What it does not answer", "| pictures | abstained |", "|---|---|"]
    titles = {"near": "other cells", "far": "no blood", "spoiled": "spoiled PBC pictures"}
    for group, title in titles.items():
        for kind, share in found["abstention"][group].items():
            lines.append(f"| {title}: {kind} | {share:.1%} |")
    parity = run / "parity.json"
    if parity.is_file():
        figures = json.loads(parity.read_text())
        lines += [
            "",
            "### Against Keras in float32",
            f"On {figures['pictures']} validation pictures: same class {figures['same_label']:.1%}, "
            f"probabilities differ by {figures['mean_probability_difference']:.5f} on average and "
            f"{figures['largest_probability_difference']:.4f} at most.",
        ]
    return "\n".join(lines) + "\n"


def _figure(value: float | None) -> str:
    return "-" if value is None else format(value, ".4f")
