"""`manage.py draw_phantoms` writes pictures and a truth that belongs to them."""

import csv
import json

import cv2
import pytest
from django.core.management import CommandError, call_command

from ml.phantoms import LABELS


def read_truth(folder):
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file)), json.loads((folder / "truth.json").read_text())


def test_cells_of_every_class_with_their_truth(tmp_path, capsys):
    call_command("draw_phantoms", out=tmp_path, count=2, seed=7)
    rows, truth = read_truth(tmp_path)
    assert sorted({row["label"] for row in rows}) == list(LABELS)
    assert len(rows) == len(truth["pictures"]) == 10
    assert truth["synthetic"] is True
    for row in rows:
        assert row["path"].startswith("phantom-")
        assert row["synthetic"] == "True"
        image = cv2.imread(str(tmp_path / row["path"]))
        assert image.shape == (360, 360, 3)
        assert int(row["x"]) + int(row["width"]) <= 360
    assert "Next: manage.py classify" in capsys.readouterr().out


def test_one_class_only(tmp_path):
    call_command("draw_phantoms", "--out", str(tmp_path), "--count", "1", "--class", "monocyte")
    rows, truth = read_truth(tmp_path)
    assert [row["label"] for row in rows] == ["monocyte"]
    assert truth["pictures"][0]["parameters"]["nucleus"]["shape"] == "kidney"


def test_fields_list_their_white_and_red_cells(tmp_path):
    call_command("draw_phantoms", out=tmp_path, kind="fields", count=1, labels=["basophil"])
    rows, truth = read_truth(tmp_path)
    assert [row["label"] for row in rows] == ["basophil"]
    assert len(truth["pictures"][0]["red_cell_boxes"]) > 20
    assert (tmp_path / "phantom-field-000000.png").exists()


def test_others_are_named_by_their_kind(tmp_path):
    call_command("draw_phantoms", out=tmp_path, kind="others", count=1)
    rows, _ = read_truth(tmp_path)
    assert {"blank", "erythroblast", "text"} <= {row["kind"] for row in rows}
    assert all(row["label"] == "" for row in rows)


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("here first")
    with pytest.raises(CommandError, match="Choose another folder"):
        call_command("draw_phantoms", out=tmp_path / "file", count=1)
    with pytest.raises(CommandError, match="at least 1"):
        call_command("draw_phantoms", out=tmp_path / "new", count=0)
