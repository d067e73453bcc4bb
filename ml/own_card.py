"""MODEL_CARD.md of a model that was trained on data sets of an installation's own."""

from typing import Any

from ml.card import ARITHMETIC, FROZEN, NOT_FOR, PURPOSE, SIGHT, STARTED
from ml.head import HEAD, Row

CARD = (
    PURPOSE
    + """## How it works
{sight} InceptionV3 (Szegedy et al., CVPR 2016), cut behind {last_level}; global averages of
{levels}; dropout; dense softmax. {training}{started} Input {input_size} x {input_size} RGB, preprocessing
`{preprocessing}`, arithmetic {precision}, temperature {temperature:.3f}. Figures below are of exactly
this artefact, on the path that serves it.

Weights that the network began with: {weights_origin}.

## Data
* Training: {train_count} cells of {train_names}; validation: {val_count} cells of {val_names}. These
  are data sets of the installation that trained it; their pages say where the cells come from,
  under which licence, and how they were kept apart.
* Epoch, temperature and thresholds come from validation cells alone, so the column of these below
  flatters; the test cells chose nothing.

{report}
## Limits
* **Other laboratories.** Nothing here says how good it is with another stain, microscope or
  population than those of its data sets. Expect less.
* Its test cells are {test_cells}: with few cells every figure is uncertain by as much as its
  interval says.
* {near}
* A figure of abstention on drawn pictures ("no blood", "spoiled") is of the kinds listed.
* {arithmetic}
"""
)
TUNED = (
    "First a dense layer was trained on features of the frozen network; then the convolutions "
    "behind {frozen_through} were fine-tuned with a learning rate of at most {fine_tune_rate} over "
    "{views} random views of the training cells. BatchNorm kept ImageNet's statistics. The weights "
    "are a moving average."
)
NEAR = "Cells of other kinds are caught in {share:.1%}; the rest is answered."
NO_NEAR = (
    "No cell of another kind was among its test cells, so nobody knows how many it would answer."
)


def write_own_card(
    manifest: dict[str, Any],
    facts: dict[str, Any],
    found: dict[str, Any],
    history: list[Row],
    report: str,
) -> str:
    """Arguments as of ml.card.write_card."""
    options, counts = facts["options"], facts["counts"]
    train, val = (
        "+".join(f"{name}/{split}" for name in options[f"{split}_sets"])
        for split in ("train", "val")
    )
    tuned = any(row["phase"] != HEAD for row in history)
    started = facts.get("started_from", {})
    near = found["abstention"].get("near")
    tests = [row["cells"] for name, row in found["sets"].items() if name.endswith("/test")]
    return CARD.format(
        **{k: manifest[k] for k in ("id", "input_size", "preprocessing", "temperature")},
        not_for=NOT_FOR,
        sight=SIGHT[manifest["preprocessing"]],
        last_level=options["levels"][-1],
        levels=", ".join(options["levels"]),
        training=TUNED.format(**{**options, "views": facts.get("views_seen", 0)})
        if tuned
        else FROZEN,
        started=STARTED.format(**started) if "model" in started else "",
        precision=found["precision"],
        weights_origin=facts["weights"]["origin"],
        train_count=counts[train],
        val_count=counts[val],
        train_names=train,
        val_names=val,
        report=report,
        test_cells=sum(tests),
        near=NEAR.format(share=near["all"]) if near else NO_NEAR,
        arithmetic=ARITHMETIC[manifest["precision"]],
    )
