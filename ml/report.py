"""metrics.json in words: report.md for the run, MODEL_CARD.md for whoever is handed the model."""

import json
import shutil
from pathlib import Path
from typing import Any

from classifier.inference.manifest import FILE_NAME
from ml.export import write_manifest
from ml.runs import write_json

# The pictures of cells stay in the run folder: the data sets' pictures are not ours to ship.
SHIPPED_FIGURES = (
    "learning_curves.png",
    "confusion_matrix.png",
    "reliability.png",
    "risk_coverage.png",
)

CARD = """# Model card: {id}

## What it is for
It sorts a picture of one stained white blood cell into basophil, eosinophil, lymphocyte, monocyte
or neutrophil, as a suggestion to a specialist who looks at every cell and signs. It abstains where
it is unsure or the picture is unlike its training pictures.

**Not a medical device.** Not cleared for diagnosis, not for use without a specialist's own look,
not for blasts, immature granulocytes, erythroblasts or platelets (it has no class for them and
often does not notice: see "other cells" below).

## How it works
InceptionV3 (Szegedy et al., CVPR 2016), cut behind {last_level}; global averages of {levels};
dropout; dense softmax. Only the dense layer was trained, on features of the frozen network.
Input {input_size} x {input_size} RGB, preprocessing `{preprocessing}`, arithmetic {precision},
temperature {temperature:.3f}. In-distribution score: Mahalanobis distance and residual of the
features. Figures below are of exactly this artefact, on the path that serves it.

ImageNet weights: {weights_origin}.
SHA-256 {weights_sha256}. Licence per the Keras documentation: Apache-2.0.

## Data
* Training ({train_count} cells) and validation ({val_count}): a balanced, de-duplicated sub-sample
  of the PBC data set: A. Acevedo et al., "A dataset of microscopic peripheral blood cell images for
  development of automatic recognition systems", Data in Brief 30 (2020) 105474,
  doi:10.1016/j.dib.2020.105474, CC BY 4.0. One hospital, one analyser (CellaVision DM96, May
  Gruenwald-Giemsa), healthy donors. Split of S. Tsutsui et al., WBCAtt, NeurIPS 2023
  (arXiv:2306.13531, MIT). No patient ids exist, so the same patient may be on both sides.
* External: BCCD (MIT). Not one of its pictures was trained or tuned on.
* Epoch, temperature and thresholds come from the validation split alone, so its own row below
  flatters; every other row is of pictures that chose nothing.

{report}
## Limits
* **It does not transfer.** On pictures of another laboratory (BCCD, cut around the cell) it is right
  in {bccd:.1%} of {bccd_cells} cells. It abstains on {bccd_abstained:.1%} of them, which is what
  protects the reader: use it on pictures made like its training pictures.
* A high figure on PBC says little: simple colour statistics reach 0.95 there.
* Other cells (erythroblasts, immature granulocytes, platelets) are caught in only {near:.1%}.
* A figure of abstention on drawn pictures ("no blood", "spoiled") is of the kinds listed, and the
  score was designed with such pictures (other draws of the same kinds) in view.
* Processors without native bfloat16 compute in float32 and may differ in the last digits.
"""


def publish(run: Path, found: dict[str, Any]) -> None:
    """Write report.md, and put metrics, card and figures into the run's model directory."""
    report = describe(found, run)
    (run / "report.md").write_text(f"# {found['model']}\n\n{report}")
    directory = run / "model"
    manifest = json.loads((directory / FILE_NAME).read_text())
    facts = json.loads((run / "config.json").read_text())
    bccd = found["sets"].get("bccd single cells, cut by their boxes", {})
    levels = facts["options"]["levels"]
    card = CARD.format(
        **{k: manifest[k] for k in ("id", "input_size", "preprocessing", "temperature")},
        precision=found["precision"],
        last_level=levels[-1],
        levels=", ".join(levels),
        weights_origin=facts["weights"]["origin"],
        weights_sha256=facts["weights"]["sha256"] or "none",
        train_count=facts["counts"]["pbc/train"],
        val_count=facts["counts"]["pbc/val"],
        report=report,
        bccd=bccd.get("accuracy", float("nan")),
        bccd_cells=bccd.get("cells", 0),
        bccd_abstained=bccd.get("abstained", float("nan")),
        near=found["abstention"]["near"]["all"],
    )
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
