"""`manage.py prepare_dataset`, from somebody's pictures to a folder that training reads."""

import hashlib
import json
from collections import Counter
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from classifier.inference.classes import CLASSES
from ml.data import read_set, read_single_cells
from ml.datasets import prepare as module
from tests.ml import sets


@pytest.fixture
def pictures(tmp_path):
    """Five classes of ten pictures, two patients in each, one picture twice, one turned."""
    root = sets.folders(tmp_path / "Our laboratory", dict.fromkeys(CLASSES, 10))
    for number, kind in enumerate(CLASSES):
        for patient in ("p1", "p2"):
            for place in range(3):
                seed = 1000 + 100 * number + 10 * int(patient[1]) + place
                sets.save(root / kind / patient / f"{place}.png", seed)
    sets.save(root / "monocyte" / "again.bmp", 0)  # basophil/000.png
    sets.save(root / "neutrophil" / "turned.jpg", np.rot90(sets.picture(40)).copy())
    return root


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def prepare(source, data, *options):
    said = StringIO()
    call_command("prepare_dataset", str(source), "--data", str(data), *options, stdout=said)
    return said.getvalue()


def report(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_a_folder_becomes_a_set_that_training_reads(pictures, data):
    said = prepare(pictures, data, "--name", "ours")
    rows = sets.manifest(data / "ours")
    assert list(rows[0]) == ["path", "class", "source_group", "split", "sha256"]
    assert len(rows) == 82
    for row in rows:
        assert hashlib.sha256((data / row["path"]).read_bytes()).hexdigest() == row["sha256"]
    assert Counter(row["class"] for row in rows)["basophil"] == 16
    samples = read_set(data, "ours", "train")
    assert samples[0].rgb().shape == (96, 96, 3)
    assert {sample.kind for sample in samples} == set(CLASSES)
    assert "82 pictures" in said
    assert "prepare_dataset pbc" in said, "the next step, as train_model learns from pbc"


def test_patients_and_repeats_stay_on_one_side(pictures, data):
    prepare(pictures, data, "--name", "ours")
    rows = {row["path"].removeprefix("ours/"): row for row in sets.manifest(data / "ours")}
    sides = {}
    for row in rows.values():
        sides.setdefault(row["source_group"], set()).add(row["split"])
    assert {"p1", "p2"} <= set(sides), "patients, across the class folders"
    assert all(len(splits) == 1 for splits in sides.values())
    assert rows["monocyte/again.bmp"]["split"] == rows["basophil/000.png"]["split"]
    assert rows["neutrophil/turned.jpg"]["split"] == rows["neutrophil/000.png"]["split"]


def test_the_report_says_what_was_found(pictures, data):
    (pictures / "neutrophil" / "broken.png").write_bytes(b"x")
    sets.save(pictures / "Smudge" / "only.png", 500)
    said = prepare(pictures, data, "--name", "ours")
    found = report(data / "ours")
    exact, near = sorted(found["repeated"], key=lambda row: not row["exact"])
    assert {p["name"] for p in exact["pictures"]} == {"basophil/000.png", "monocyte/again.bmp"}
    assert (exact["conflict"], exact["leak"], exact["likeness"]) == (True, False, 1)
    assert {p["name"] for p in near["pictures"]} == {"neutrophil/000.png", "neutrophil/turned.jpg"}
    assert (near["conflict"], near["leak"]) == (False, False)
    assert found["problems"] == [["neutrophil/broken.png", "it is no picture"]]
    assert found["notes"] == ["Class smudge, pictures: 1; none of them in val, test."]
    manifest = (data / "ours" / "manifest.csv").read_bytes()
    assert found["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    words = (data / "ours" / "report.md").read_text(encoding="utf-8")
    assert "| `basophil/000.png` (" in words
    assert "same pixels | conflict |" in words
    assert "* `neutrophil/broken.png`: it is no picture" in words
    assert "drawn here for 83 pictures, by source group, with seed" in words
    assert "Repeats: 1 exact and 1 near; with conflicting classes: 1; across splits: 0." in said


def test_the_same_order_gives_the_same_bytes_and_another_seed_another_split(pictures, data):
    prepare(pictures, data, "--name", "one")
    first = (data / "one" / "manifest.csv").read_text()
    prepare(pictures, data, "--name", "two")
    assert (data / "two" / "manifest.csv").read_text() == first.replace("one/", "two/")
    prepare(pictures, data, "--name", "two", "--seed", "8")
    assert (data / "two" / "manifest.csv").read_text() != first.replace("one/", "two/")


def test_drop_leaves_out_repeats_contradictions_and_what_another_set_measures_with(pictures, data):
    for name, seed in (("x", 12), ("y", 13)):
        sets.save(data / "other" / f"{name}.png", seed)
    sets.table(
        data / "other" / "manifest.csv",
        [
            {"path": "other/x.png", "class": "eosinophil", "split": "test"},
            {"path": "other/y.png", "class": "eosinophil", "split": "train"},
        ],
    )
    said = prepare(pictures, data, "--name", "ours", "--against", "other", "--drop")
    assert "Also in other: 2; in its val or test: 1." in said
    found = report(data / "ours")
    assert found["dropped"] == [
        ["basophil/000.png", "the same picture has two classes"],
        ["eosinophil/002.png", "it is in other/test"],
        ["monocyte/again.bmp", "the same picture has two classes"],
        ["neutrophil/turned.jpg", "it repeats neutrophil/000.png"],
    ]
    assert found["pictures"] == len(sets.manifest(data / "ours")) == 78
    assert "| eosinophil | " in (data / "ours" / "report.md").read_text()


def test_pictures_of_another_set_that_cannot_be_compared_are_told(pictures, data):
    sets.table(
        data / "other" / "manifest.csv", [{"path": "other/gone.png", "class": "", "split": ""}]
    )
    prepare(pictures, data, "--name", "ours", "--against", "other")
    note = "Pictures of other that could not be compared: 1. The first, other/gone.png: the file is missing."
    assert note in report(data / "ours")["notes"]


def test_an_official_split_stays_and_its_leaks_are_told(tmp_path, data):
    root = sets.folders(tmp_path / "set" / "train", {"neutrophil": 3, "monocyte": 3}).parent
    sets.folders(root / "test", {"neutrophil": 2, "monocyte": 2}, first=50)
    sets.save(root / "test" / "neutrophil" / "leak.jpg", sets.picture(1))
    prepare(root, data)
    assert Counter(row["split"] for row in sets.manifest(data / "set")) == {"train": 6, "test": 5}
    found = report(data / "set")
    assert found["drawn"] == 0
    assert [row["leak"] for row in found["repeated"]] == [True]
    prepare(root, data, "--drop")
    assert report(data / "set")["dropped"] == [
        ["train/neutrophil/001.png", "it repeats test/neutrophil/leak.jpg"]
    ], "the test picture is the one that is kept"


def test_groups_that_an_official_split_tears_are_told(tmp_path, data):
    root = tmp_path / "set"
    names = [sets.save(root / f"{seed}.png", seed).name for seed in range(4)]
    splits = ("train", "test", "train", "val")
    rows = [
        {"path": n, "class": "neutrophil", "source_group": g, "split": s}
        for n, g, s in zip(names, ("p", "p", "q", "r"), splits, strict=True)
    ]
    sets.table(root / "cells.csv", rows)
    said = prepare(root / "cells.csv", data)
    assert report(data / "cells")["torn_groups"] == {"p": ["train", "test"]}
    assert "Source groups across splits: 1." in said


def test_a_prepared_set_is_read_again_with_boxes_and_attributes(tmp_path, data):
    root = tmp_path / "bccd_fields"
    sets.save(root / "images" / "a.png", 1)
    row = {"path": "bccd_fields/images/a.png", "class": "monocyte", "split": "test", "n_wbc": 1}
    sets.table(root / "manifest.csv", [row])
    corners = {"xmin": 10, "ymin": 10, "xmax": 60, "ymax": 60}
    sets.table(root / "boxes.csv", [{"path": row["path"], "type": "WBC", **corners}])
    said = prepare("bccd", data, "--from", str(root))
    assert "Licence: MIT. Cite: Shenggan" in said
    (sample,) = read_single_cells(data)
    assert sample.box == (10, 10, 60, 60)
    assert sets.manifest(data / "bccd_fields")[0]["n_wbc"] == "1"


def test_a_changed_picture_of_a_prepared_set_is_left_out(tmp_path, data):
    root = tmp_path / "set"
    sets.save(root / "a.png", 1)
    sets.save(root / "b.png", 2)
    good = hashlib.sha256((root / "a.png").read_bytes()).hexdigest()
    rows = [
        {"path": f"set/{name}.png", "class": "monocyte", "split": "train", "sha256": good}
        for name in "ab"
    ]
    sets.table(root / "manifest.csv", rows)
    prepare(root, data)
    assert [row["path"] for row in sets.manifest(data / "set")] == ["set/a.png"]
    assert "SHA-256 is not the one" in report(data / "set")["problems"][0][1]


def test_unicode_names_and_same_names_in_several_folders(tmp_path, data):
    root = sets.folders(tmp_path / "set", {"клетка": 2, "neutrophil": 2, "Neutrophils": 2})
    sets.save(root / "клетка" / "ядро 1.png", 77)
    prepare(root, data)
    rows = sets.manifest(data / "set")
    assert len({row["path"] for row in rows}) == len(rows) == 7
    assert Counter(row["class"] for row in rows) == {"клетка": 3, "neutrophil": 4}
    assert read_set(data, "set")[0].rgb().shape == (96, 96, 3)


def test_links_share_the_disk_and_copies_do_not(pictures, data):
    prepare(pictures, data, "--name", "linked", "--link")
    prepare(pictures, data, "--name", "copied")
    original = (pictures / "basophil" / "001.png").stat()
    assert (data / "linked" / "basophil" / "001.png").stat().st_ino == original.st_ino
    assert (data / "copied" / "basophil" / "001.png").stat().st_ino != original.st_ino


def test_where_links_are_not_possible_it_copies(pictures, data, monkeypatch):
    def refuse(*_, **__):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(module.os, "link", refuse)
    prepare(pictures, data, "--name", "ours", "--link")
    assert len(sets.manifest(data / "ours")) == 82


def test_an_interrupted_run_leaves_no_manifest_and_goes_on(pictures, data, monkeypatch):
    place, placed = module.place, []

    def stopped(file, target, *, link):
        if len(placed) == 30:
            raise KeyboardInterrupt
        placed.append(target)
        place(file, target, link=link)

    monkeypatch.setattr(module, "place", stopped)
    with pytest.raises(CommandError, match="give the same command again") as caught:
        prepare(pictures, data, "--name", "ours")
    assert caught.value.returncode == 130
    assert not (data / "ours" / "manifest.csv").exists()
    before = {target: target.stat().st_ino for target in placed}
    monkeypatch.setattr(module, "place", place)
    prepare(pictures, data, "--name", "ours")
    assert {target: target.stat().st_ino for target in placed} == before, "not copied again"
    assert len(sets.manifest(data / "ours")) == 82


def test_a_full_disk_is_said(pictures, data, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "x.png")

    monkeypatch.setattr(module.shutil, "copyfile", full)
    with pytest.raises(CommandError, match=r"x\.png: No space left on device.*is kept"):
        prepare(pictures, data, "--name", "ours")


def test_a_local_archive_is_unpacked_and_its_checksum_told(pictures, data, tmp_path):
    import shutil

    archive = shutil.make_archive(str(tmp_path / "ours"), "zip", pictures)
    said = prepare(archive, data)
    digest = hashlib.sha256((tmp_path / "ours.zip").read_bytes()).hexdigest()
    assert f"ours.zip: no checksum is known for it; its SHA-256 is {digest}." in said
    assert len(sets.manifest(data / "ours")) == 82
    assert f"SHA-256 {digest} (no checksum was known" in (data / "ours" / "report.md").read_text()


def test_what_cannot_be_done_is_said_in_a_sentence(pictures, data, tmp_path, monkeypatch):
    def refused(match, *words):
        with pytest.raises(CommandError, match=match):
            call_command("prepare_dataset", *map(str, words))

    monkeypatch.delenv("TELEHEME_DATA", raising=False)
    there = ("--data", data)
    refused("Say where the sets shall lie", pictures)
    refused("There is no nothing. The known sets are pbc, pbc_other", "nothing", *there)
    refused("There is no nowhere", "pbc", "--from", "nowhere", *there)
    refused("--from goes with a known set", pictures, "--from", pictures, *there)
    refused("Give the set a --name", pictures, "--name", "../up", *there)
    refused("together 1 at most", pictures, "--val", "0.5", "--test", "0.6", *there)
    refused("together 1 at most", pictures, "--val", "nan", *there)
    refused("0 or more", pictures, "--seed", "-1", *there)
    refused("no such prepared set", pictures, "--against", "pbc", *there)
    refused("would lie inside", pictures, "--data", pictures / "out")
    prepare(pictures, data, "--name", "ours")
    refused("set itself", pictures, "--name", "ours", "--against", "ours", *there)
    (tmp_path / "empty").mkdir()
    refused("There is no picture that can be used", tmp_path / "empty", *there)
    (tmp_path / "bad" / "neutrophil").mkdir(parents=True)
    (tmp_path / "bad" / "neutrophil" / "x.png").write_bytes(b"x")
    refused("used. neutrophil/x.png: it is no picture", tmp_path / "bad", *there)


def test_a_set_made_by_hand_is_never_overwritten(pictures, data):
    (data / "pbc").mkdir(parents=True)
    (data / "pbc" / "manifest.csv").write_text("precious")
    with pytest.raises(CommandError, match="did not make; it was left as it is"):
        prepare(pictures, data, "--name", "pbc")
    assert (data / "pbc" / "manifest.csv").read_text() == "precious"
    assert [path.name for path in (data / "pbc").iterdir()] == ["manifest.csv"]


def test_names_from_outside_bring_no_markup_into_the_report(tmp_path, data):
    root = sets.folders(tmp_path / "set", {"neutrophil": 3})
    (root / "neutrophil" / "a|b`<img src=x>[x](y).png").write_bytes(b"x")
    prepare(root, data)
    words = (data / "set" / "report.md").read_text()
    assert "* `neutrophil/a\\|b'<img src=x>[x](y).png`: it is no picture" in words


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        call_command("prepare_dataset", "--help")
    text = capsys.readouterr().out
    for name in ("pbc", "pbc_other", "bccd", "txl_pbc", "CC BY 4.0", "cells.csv", "examples:"):
        assert name in text
    assert "  neutrophil/patient7/b.jpg" in text
