import json
from io import StringIO

import cv2
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from classifier.inference import CLASSES, DEFAULT_MODEL, find_model, load_model
from patients.images import rebuild

KEYS = {"path", "label", "probabilities", "abstained", "reasons", "model", "milliseconds"}


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(8)
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("b/2.png", "b/10.jpg", "a.png", ".hidden/x.png"):
        coarse = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / name), cv2.resize(coarse, (200, 180)))
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def classify(*arguments):
    """Output lines and exit status."""
    out = StringIO()
    try:
        call_command("classify", *map(str, arguments), stdout=out)
    except SystemExit as stop:
        return out.getvalue().splitlines(), stop.code
    return out.getvalue().splitlines(), 0


def test_a_directory_is_walked_in_sorted_order_one_object_a_line(folder):
    lines, status = classify(folder, "--json")
    rows = [json.loads(line) for line in lines]
    assert status == 0
    assert [row["path"] for row in rows] == [
        str(folder / name) for name in ("a.png", "b/10.jpg", "b/2.png")
    ]
    for row in rows:
        assert set(row) == KEYS
        assert list(row["probabilities"]) == list(CLASSES)
        assert row["label"] == max(row["probabilities"], key=row["probabilities"].get)
        assert row["model"] == DEFAULT_MODEL
        assert row["milliseconds"] > 0
        assert row["abstained"] == bool(row["reasons"])


def test_it_answers_as_the_web_path_does(folder):
    lines, _ = classify(folder, "--json")
    model = load_model(find_model())
    assert len(lines) == 3
    for row in map(json.loads, lines):
        with open(row["path"], "rb") as stream:
            result = model.classify(rebuild(stream.read()).png)
        assert row["label"] == result.label
        assert row["reasons"] == list(result.reasons)
        for name, value in result.by_class.items():
            assert row["probabilities"][name] == pytest.approx(value, abs=1e-5)


def test_what_cannot_be_read_is_said_and_the_rest_is_still_done(folder):
    bad = folder / "b" / "3.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n broken")
    lines, status = classify(bad, folder / "gone.png", folder / "a.png", "--json")
    rows = [json.loads(line) for line in lines]
    assert status == 1
    assert [set(row) == {"path", "error"} for row in rows] == [True, True, False]
    assert rows[0]["path"] == str(bad)
    assert "No such file" in rows[1]["error"]


def test_without_json_it_is_a_table_with_a_summary(folder):
    lines, status = classify(folder)
    assert status == 0
    assert len(lines) == 4
    assert lines[-1].startswith("3 pictures: ")
    assert str(folder / "a.png") in lines[0]


def test_an_empty_directory_is_said(tmp_path):
    assert classify(tmp_path) == (["No picture found."], 0)


def test_an_unknown_model_is_one_sentence():
    with pytest.raises(CommandError, match="no model 'nope'"):
        call_command("classify", "x.png", "--model", "nope")


@pytest.mark.realdata
def test_real_cells_from_the_shell(real_data):
    folder = real_data / "pbc" / "eosinophil"
    paths = sorted(folder.glob("*.jpg"))[:10]
    assert len(paths) == 10
    lines, status = classify(*paths, "--json")
    assert status == 0
    assert sum(json.loads(line)["label"] == "eosinophil" for line in lines) >= 9


def test_folders_named_after_classes_are_the_truth_that_the_accuracy_is_measured_against(tmp_path):
    from ml.phantoms import LABELS, draw_cell

    for folder, drawn in zip(LABELS, (*LABELS[:4], LABELS[0]), strict=True):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "cell.png"), draw_cell(drawn, 3).image[..., ::-1])
    out, said = StringIO(), StringIO()
    call_command("classify", str(tmp_path), "--json", stdout=out, stderr=said)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    right = sum(row["path"].split("/")[-2] == row["label"] for row in rows)
    assert 3 <= right <= 4, rows  # the fifth folder holds a cell of another class
    assert f"5 pictures lie in folders named after a class: {right} right" in said.getvalue()
    assert f"accuracy {right / 5:.4f}" in said.getvalue()
