"""A data folder with the real layout, full of coloured discs: five classes in seconds."""

import csv
import hashlib
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.core.management import call_command

from classifier.inference import CLASSES


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What needs the trained run goes to one process, so that it is trained once."""
    for item in items:
        if "trained" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("trained"))


COLOURS = [(90, 40, 120), (200, 80, 70), (60, 60, 160), (120, 130, 180), (170, 120, 190)]


def disc(label: int, rng: np.random.Generator) -> np.ndarray:
    picture = np.full((120, 122, 3), 225, np.uint8)
    centre = tuple(int(value) for value in rng.integers(52, 70, 2))
    cv2.circle(picture, centre, int(rng.integers(24, 34)), COLOURS[label], -1, cv2.LINE_AA)
    noisy = picture + rng.normal(0, 5, picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def write_set(folder: Path, name: str, rows: list[tuple[str, str, np.ndarray]]) -> list[dict]:
    """rows: (class, split, picture)."""
    written = []
    for number, (kind, split, picture) in enumerate(rows):
        relative = f"{name}/{number:04d}.png"
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture[:, :, ::-1])
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        row = {"path": relative, "class": kind, "source_group": number, "split": split}
        written.append({**row, "sha256": digest})
    with (folder / name / "manifest.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(written[0]))
        writer.writeheader()
        writer.writerows(written)
    return written


@pytest.fixture(scope="session")
def discs(tmp_path_factory) -> Path:
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(1)
    counts = {"train": 12, "val": 6, "test": 6}
    rows = [
        (kind, split, disc(label, rng))
        for split, count in counts.items()
        for _ in range(count)
        for label, kind in enumerate(CLASSES)
    ]
    write_set(folder, "pbc", rows)
    others = [("platelet", split, disc(0, rng)[::3, ::3]) for split in ("val", "test") * 3]
    write_set(folder, "pbc_other", others)
    fields = [(kind, "test", disc(label, rng)) for label, kind in enumerate(CLASSES)]
    fields.append(("neutrophil, eosinophil", "test", disc(0, rng)))
    written = write_set(folder, "bccd_fields", fields)
    with (folder / "bccd_fields" / "boxes.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "type", "xmin", "ymin", "xmax", "ymax"])
        for row in written:
            writer.writerow([row["path"], "WBC", 30, 30, 90, 90])
            writer.writerow([row["path"], "RBC", 0, 0, 20, 20])
    return folder


TINY = {
    "input_size": 96,
    "levels": ["mixed0", "mixed1"],
    "views": 1,
    "epochs": 12,
    "components": 8,
    "precision": "f32",
    "dropout": 0.1,
    "learning_rate": 0.003,
}


@pytest.fixture(scope="session")
def trained(discs, tmp_path_factory):
    """A run folder after train_model, export_model and evaluate_model, and what they printed."""
    run = tmp_path_factory.mktemp("runs") / "tiny"
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch:
        # Random weights: what is tested here is the code, not ImageNet.
        for name in ("train_model", "export_model"):
            patch.setattr(f"ml.management.commands.{name}.find_weights", lambda *_, **__: None)
        common = {"run_dir": run, "data": str(discs), "stdout": said}
        call_command("train_model", **common, **TINY)
        call_command("export_model", **common, id="tiny")
        call_command("evaluate_model", **common, limit=6)
    return run, said.getvalue()
