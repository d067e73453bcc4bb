"""The commands one after the other, as docs/model.md tells: on drawn cells, and on a few real ones."""

import csv
import json
from io import StringIO
from pathlib import Path

import cv2
import pytest
from django.core.management import call_command

from classifier.inference import CLASSES, load_model
from ml.phantoms import OTHER_KINDS, draw_cell, draw_field, draw_other
from tests.ml.conftest import TINY, write_set

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's variables do not know NumPy 2's copy argument yet.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]
COMMANDS = ("train_model", "fine_tune_model", "export_model")


@pytest.fixture
def phantoms(tmp_path) -> Path:
    """A data folder of drawn cells: the classes prepared by the command, the rest as it lies."""
    folders, data = tmp_path / "drawn", tmp_path / "data"
    for label in CLASSES:
        (folders / label).mkdir(parents=True)
        for seed in range(16):
            picture = draw_cell(label, seed).image[:, :, ::-1]
            cv2.imwrite(str(folders / label / f"{seed:02d}.png"), picture)
    call_command(
        "prepare_dataset", str(folders), name="pbc", data=data, val=0.25, test=0.25,
        stdout=StringIO(),
    )  # fmt: skip
    others = [
        (kind, split, draw_other(kind, seed))
        for seed, split in enumerate(("val", "test"))
        for kind in OTHER_KINDS
    ]
    write_set(data, "pbc_other", others)
    fields = [draw_field(seed, labels=[label]) for seed, label in enumerate(CLASSES)]
    rows = [(field.cells[0].label, "test", field.image) for field in fields]
    written = write_set(data, "bccd_fields", rows)
    with (data / "bccd_fields" / "boxes.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "type", "xmin", "ymin", "xmax", "ymax"])
        for row, field in zip(written, fields, strict=True):
            x, y, width, height = field.cells[0].box
            writer.writerow([row["path"], "WBC", x, y, x + width, y + height])
    return data


def test_from_drawn_cells_to_a_measured_model(phantoms, tmp_path, monkeypatch):
    for name in COMMANDS:  # random weights: no download, and the cells are drawn anyway
        monkeypatch.setattr(f"ml.management.commands.{name}.find_weights", lambda *_, **__: None)
    said = StringIO()
    common = {"data": str(phantoms), "stdout": said}
    head, tuned = tmp_path / "head", tmp_path / "tuned"
    call_command("train_model", run_dir=head, **common, **TINY)
    call_command(
        "fine_tune_model", run_dir=tuned, source=head, fine_tune_epochs=1, views_per_epoch=32,
        fine_tune_batch=16, **common,
    )  # fmt: skip
    call_command("export_model", run_dir=tuned, id="drawn", **common)
    call_command("evaluate_model", run_dir=tuned, **common)
    found = json.loads((tuned / "metrics.json").read_text())
    assert found["sets"]["pbc/test"]["cells"] == 20
    assert found["sets"]["pbc/test"]["accuracy"] >= 0.4, "twice as good as guessing"
    assert found["sets"]["bccd whole fields"]["cells"] == 5
    assert load_model(tuned / "model").classify(draw_cell("monocyte", 99).image).label in CLASSES
    assert "Next: " in said.getvalue()


@pytest.mark.realdata
def test_two_hundred_real_cells_already_teach(real_data, tmp_path):
    weights = next((real_data / "weights").glob("inception_v3_*.h5"))
    common = {"data": str(real_data), "weights": str(weights), "stdout": StringIO()}
    run = tmp_path / "run"
    call_command(
        "train_model", run_dir=run, limit=20, input_size=128, views=0, val_views=1, epochs=20,
        precision="f32", **common,
    )  # fmt: skip
    call_command("export_model", run_dir=run, id="smoke", **common)
    call_command("evaluate_model", run_dir=run, limit=20, data=str(real_data), stdout=StringIO())
    found = json.loads((run / "metrics.json").read_text())
    assert found["sets"]["pbc/test"]["cells"] == 100
    assert found["sets"]["pbc/test"]["accuracy"] >= 0.6, "three times as good as guessing"
