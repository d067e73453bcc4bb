"""MODEL_CARD.md: what a model is for, what it rests on, and where it fails, for whoever meets it."""

from typing import Any

from ml.head import HEAD, Row

NOT_FOR = """**Not a medical device.** Not cleared for diagnosis, not for use without a specialist's own look,
not for blasts, immature granulocytes, erythroblasts or platelets (it has no class for them and
does not always notice: see "other cells" below)."""
PURPOSE = """# Model card: {id}

## What it is for
It sorts a picture of one stained white blood cell into basophil, eosinophil, lymphocyte, monocyte
or neutrophil, as a suggestion to a specialist who looks at every cell and signs. It abstains where
it is unsure or the picture is unlike its training pictures.

{not_for}

"""
CARD = (
    PURPOSE
    + """## How it works
{sight} InceptionV3 (Szegedy et al., CVPR 2016), cut behind {last_level}; global averages of
{levels}; dropout; dense softmax. {training} Input {input_size} x {input_size} RGB, preprocessing
`{preprocessing}`, arithmetic {precision}, temperature {temperature:.3f}. In-distribution score:
Mahalanobis distance and residual of the features.{softening} Figures below are of exactly this artefact, on
the path that serves it.

ImageNet weights: {weights_origin}.
SHA-256 {weights_sha256}. Licence per the Keras documentation: Apache-2.0.

## Data
* Training ({train_count} cells) and validation ({val_count}): a balanced, de-duplicated sub-sample
  of the PBC data set: A. Acevedo et al., "A dataset of microscopic peripheral blood cell images for
  development of automatic recognition systems", Data in Brief 30 (2020) 105474,
  doi:10.1016/j.dib.2020.105474, CC BY 4.0. One hospital, one analyser (CellaVision DM96, May
  Gruenwald-Giemsa), healthy donors. Split and attributes of S. Tsutsui et al., WBCAtt, NeurIPS 2023
  (arXiv:2306.13531, MIT). No patient ids exist, so the same patient may be on both sides.
{no_class}{unlabelled}* External: BCCD (MIT). Not one of its pictures was trained or tuned on.
* Epoch, temperature and thresholds come from validation pictures alone, so their own column below
  flatters; the pictures of the other columns chose none of these.

{report}
## Limits
* **Other laboratories.** On pictures of another laboratory (BCCD, whole fields) it is right in
  {bccd:.1%} of {bccd_cells} cells and abstains on {bccd_abstained:.1%}; of the cells that it does
  answer, {bccd_answered} are right. Expect less than on PBC wherever stain and camera are not
  those of its training pictures.
* A high figure on PBC says little: simple colour statistics reach 0.95 there.
* Other cells (erythroblasts, immature granulocytes, platelets) are caught in {near:.1%}; the rest is answered.
* A figure of abstention on drawn pictures ("no blood", "spoiled") is of the kinds listed, and the
  score was designed with such pictures (other draws of the same kinds) in view.
* {arithmetic}
"""
)

ARITHMETIC = {
    "f32": "Computed in float32; other processors may differ in the last digits.",
    "bf16": "Processors without native bfloat16 compute in float32 and may differ in the last digits.",
    "int8": "8-bit arithmetic is rounded differently by different processors: a logit may move by a "
    "tenth, and an undecided cell with it. What is not quantised is computed in float32 everywhere.",
}

SIGHT = {
    "centre-three-quarters-v1": "The middle three quarters of the picture are shown to",
    "cell-1.4-white-v1": "The white cell is located (txl_pbc, MIT, taught the locator), cut out 1.4 "
    "cell diameters wide, and its background made white; this is shown to",
}
FROZEN = "Only the dense layer was trained, on features of the frozen network."
TUNED = (
    "First the dense layer was trained on features of the frozen network; then the convolutions "
    "behind {frozen_through} were fine-tuned with a learning rate of at most {fine_tune_rate} over "
    "{views} random views of the training cells (stain, camera, damage, geometry), WBCAtt's eleven "
    "attributes being learnt beside the classes. BatchNorm kept ImageNet's statistics. The weights "
    "are a moving average.{started}"
)
STARTED = " It went on from {model} (manifest {sha256:.12})."
AVERAGED = (
    " What serves is the mean of its weights and those of {others}; that it is this and not the last "
    "of them alone was decided with both measured, on BCCD too."
)
SOFTENING = (
    " The temperature rises with that distance, by {softening:.2f} for each unit beyond a typical "
    "validation cell's."
)
OTHERS = "pbc_other/val"
NO_CLASS = (
    "* {count} cells of other kinds (erythroblasts, immature granulocytes, platelets; of the same "
    "source) taught that every class is as wrong for them. Those counted below are others.\n"
)
UNLABELLED = (
    "* {count} cells of other laboratories, without labels ({names}): the network itself labelled "
    "them, evenly over the classes, and only its surest answers taught.\n"
)


def write_card(
    manifest: dict[str, Any],
    facts: dict[str, Any],
    found: dict[str, Any],
    history: list[Row],
    report: str,
) -> str:
    """`manifest` and `facts` as in manifest.json and config.json, `found` as in metrics.json."""
    options, weights, counts = facts["options"], facts["weights"], facts["counts"]
    tuned = [row for row in history if row["phase"] != HEAD]
    views = facts.get("views_seen", len(tuned) * options.get("views_per_epoch", 0))
    unlabelled = {
        n: count for n, count in counts.items() if n != OTHERS and not n.startswith("pbc/")
    }
    started = facts.get("started_from", {})
    others = [each["from"] for each in facts.get("averaged", [])[:-1]]
    softening = manifest.get("softening", 0.0)
    bccd = found["sets"].get("bccd whole fields", {})
    answered = bccd.get("answered", {}).get("accuracy")
    return CARD.format(
        **{k: manifest[k] for k in ("id", "input_size", "preprocessing", "temperature")},
        not_for=NOT_FOR,
        sight=SIGHT[manifest["preprocessing"]],
        training=TUNED.format(
            **{**options, "views": views},
            started=(STARTED.format(**started) if "model" in started else "")
            + (AVERAGED.format(others=", ".join(others)) if others else ""),
        )
        if tuned
        else FROZEN,
        softening=SOFTENING.format(softening=softening) if softening else "",
        precision=found["precision"],
        arithmetic=ARITHMETIC[manifest["precision"]],
        last_level=options["levels"][-1],
        levels=", ".join(options["levels"]),
        weights_origin=weights["origin"],
        weights_sha256=weights["sha256"] or "none",
        train_count=counts["pbc/train"],
        val_count=counts["pbc/val"],
        no_class=NO_CLASS.format(count=counts[OTHERS]) if OTHERS in counts else "",
        unlabelled=UNLABELLED.format(count=sum(unlabelled.values()), names=", ".join(unlabelled))
        if unlabelled
        else "",
        report=report,
        bccd=bccd.get("accuracy", float("nan")),
        bccd_cells=bccd.get("cells", 0),
        bccd_abstained=bccd.get("abstained", float("nan")),
        bccd_answered="none" if answered is None else f"{answered:.1%}",
        near=found["abstention"]["near"]["all"],
    )
