"""Draw synthetic cells or smear fields with known truth."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from django.core.management.base import BaseCommand, CommandError
from numpy.typing import NDArray
from tqdm import tqdm

from ml.phantoms import LABELS, OTHER_KINDS, draw_cell, draw_field, draw_other
from ml.phantoms.truth import COLUMNS, cell_truth, field_truth, parameters_truth

# A picture's file name, the picture, its rows of truth.csv and its entry in truth.json.
Drawn = tuple[str, NDArray[np.uint8], list[dict[str, Any]], dict[str, Any]]


def draw_cells(labels: list[str], count: int, seed: int) -> Iterator[Drawn]:
    """``count`` single cells of each class, the classes in turn."""
    for i in range(count):
        for label in labels:
            phantom = draw_cell(label, seed + i)
            name = f"phantom-{label}-{seed + i:06d}.png"
            row = cell_truth(phantom, path=name, kind="cell", seed=seed + i)
            yield name, phantom.image, [row], row | {"parameters": _parameters(phantom)}


def draw_fields(labels: list[str] | None, count: int, seed: int) -> Iterator[Drawn]:
    """``count`` fields; each with one cell of every class asked for, or a healthy mixture."""
    for i in range(count):
        field = draw_field(seed + i, labels=labels)
        name = f"phantom-field-{seed + i:06d}.png"
        rows = [cell_truth(c, path=name, kind="field", seed=seed + i) for c in field.cells]
        cells = [
            row | {"parameters": _parameters(cell)}
            for row, cell in zip(rows, field.cells, strict=True)
        ]
        about = {"path": name, "synthetic": True, "kind": "field", "seed": seed + i}
        yield name, field.image, rows, about | field_truth(field) | {"cells": cells}


def draw_others(count: int, seed: int) -> Iterator[Drawn]:
    """``count`` pictures of each kind that no model for white cells should read."""
    for i in range(count):
        for kind in OTHER_KINDS:
            name = f"phantom-other-{kind.replace(' ', '-')}-{seed + i:06d}.png"
            row = {"path": name, "synthetic": True, "kind": kind, "seed": seed + i}
            yield name, draw_other(kind, seed + i), [row], row


def _parameters(cell: Any) -> dict[str, Any]:
    return parameters_truth(cell.parameters)


class Command(BaseCommand):
    help = (
        "Draw synthetic white cells or smear fields as PNG, with truth.csv and truth.json. "
        "Nobody's blood, no licence: for tests, demonstrations and load tests."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
        parser.add_argument(
            "--count", type=int, default=4, help="pictures of each class, or fields (default 4)"
        )
        parser.add_argument("--kind", choices=("cells", "fields", "others"), default="cells")
        parser.add_argument("--seed", type=int, default=0, help="the first seed (default 0)")
        parser.add_argument(
            "--class",
            dest="labels",
            action="append",
            choices=LABELS,
            help="only this class; may be repeated (in fields: one such cell in each)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        out, count, seed = options["out"], options["count"], options["seed"]
        labels: list[str] | None = options["labels"]
        if count < 1:
            raise CommandError("--count must be at least 1. Nothing was drawn.")
        if seed < 0:
            raise CommandError("--seed must be 0 or more. Nothing was drawn.")
        if options["kind"] == "cells":
            wanted = labels or list(LABELS)
            pictures, total = draw_cells(wanted, count, seed), count * len(wanted)
        elif options["kind"] == "fields":
            pictures, total = draw_fields(labels, count, seed), count
        else:
            pictures, total = draw_others(count, seed), count * len(OTHER_KINDS)
        try:
            out.mkdir(parents=True, exist_ok=True)
            self._write(out, pictures, total)
        except OSError as error:
            raise CommandError(
                f"Could not write to {out}: {error.strerror}. Choose another folder with --out."
            ) from error
        except ValueError as error:
            raise CommandError(f"{error}. What was drawn before is in {out}.") from error
        next_step = {
            "cells": f"manage.py classify {out} reads them with the shipped model.",
            "fields": "cut cells at the boxes in truth.csv, or test what finds them by itself.",
            "others": f"manage.py classify {out} should abstain on nearly all of them.",
        }[options["kind"]]
        pictures_drawn = "1 synthetic picture" if total == 1 else f"{total} synthetic pictures"
        self.stdout.write(
            f"{pictures_drawn} in {out}; the truth is in truth.csv and truth.json.\n"
            f"Next: {next_step}"
        )

    def _write(self, out: Path, pictures: Iterator[Drawn], total: int) -> None:
        rows: list[dict[str, Any]] = []
        entries: list[dict[str, Any]] = []
        # ``disable=None``: a bar on a terminal, silence in a log.
        for name, image, about, entry in tqdm(
            pictures, total=total, desc="drawing", unit="picture", disable=None
        ):
            encoded, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            if not encoded:
                raise OSError(None, f"{name} could not be encoded as PNG")
            (out / name).write_bytes(data.tobytes())
            rows.extend(about)
            entries.append(entry)
        with (out / "truth.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        text = json.dumps({"synthetic": True, "pictures": entries}, indent=1)
        (out / "truth.json").write_text(text + "\n", encoding="utf-8")
