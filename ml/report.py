"""metrics.json in words: report.md and report.html beside it, and the card of the model."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from classifier.inference import golden
from classifier.inference.locked import FILE_NAME as PREDICTIONS
from classifier.inference.manifest import FILE_NAME
from ml.card import write_card
from ml.export import rewrite_manifest
from ml.head import read_history
from ml.own_card import write_own_card
from ml.runs import write_json
from ml.tables import Section, sections

CARD, METRICS = "MODEL_CARD.md", "metrics.json"
EXTRAS = ("parity", "quantisation", "benchmark")
# The pictures of cells stay with the report: the data sets' pictures are not ours to ship.
NOT_SHIPPED = "samples_*"


def publish(directory: Path, out: Path, found: dict[str, Any]) -> None:
    """Put metrics, predictions, figures and card of an evaluation, written into `out`, into the
    model directory, and what the model says of the golden set."""
    write_json(directory / golden.FILE_NAME, golden.answers(directory))
    shutil.copyfile(out / PREDICTIONS, directory / PREDICTIONS)
    write_json(directory / METRICS, found)
    shutil.rmtree(directory / "figures", ignore_errors=True)
    shutil.copytree(
        out / "figures", directory / "figures", ignore=shutil.ignore_patterns(NOT_SHIPPED)
    )
    refresh_card(directory, metrics=headline(found))


def refresh_card(directory: Path, **changes: Any) -> None:
    """Write the card again from the files of a model directory, and the manifest with its hashes.

    `changes` replace fields of the manifest."""
    (directory / CARD).write_text(card(directory))
    rewrite_manifest(directory, **changes)


def card(directory: Path) -> str:
    """The text of the card, from the files of an evaluated model directory."""
    manifest, facts, found = (
        json.loads((directory / name).read_text()) for name in (FILE_NAME, "config.json", METRICS)
    )
    history = read_history(directory / "history.csv")
    sets = facts["options"].get("train_sets", ["pbc"])
    write = write_card if list(sets) == ["pbc"] else write_own_card
    return write(manifest, facts, found, history, markdown(read_sections(directory, found)))


def read_sections(directory: Path, found: dict[str, Any]) -> list[Section]:
    """The tables about a model directory, of an evaluation and of what else lies in it."""
    paths = {stem: directory / f"{stem}.json" for stem in EXTRAS}
    extras = {stem: json.loads(path.read_text()) for stem, path in paths.items() if path.is_file()}
    return sections(found, extras)


def headline(found: dict[str, Any]) -> dict[str, Any]:
    """The figures that lists and comparisons show; metrics.json has all of them."""
    first = first_test(found["sets"])
    test = found["sets"][first]
    keys = ("cells", "accuracy", "accuracy_interval", "macro_f1", "loss", "calibration_error")
    return {
        first: {key: test[key] for key in (*keys, "brier", "abstained")},
        **{
            name: {key: figures[key] for key in ("cells", "accuracy", "abstained")}
            for name, figures in found["sets"].items()
            if name != first
        },
        "abstained": {kind: shares["all"] for kind, shares in found["abstention"].items()},
    }


def first_test(sets: Iterable[str]) -> str:
    """The set of test cells that stands for all: pbc's, or the first of one's own."""
    return next(name for name in ("pbc/test", *sets) if name in sets and name.endswith("/test"))


def markdown(made: list[Section]) -> str:
    lines = []
    for level, section in zip(["##", *["###"] * len(made)], made, strict=False):
        lines += [f"{level} {section.title}", *([section.text] if section.text else [])]
        if section.head:
            lines += ["", _row(section.head), "|---" * len(section.head) + "|"]
            lines += map(_row, section.rows)
        lines.append("")
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
