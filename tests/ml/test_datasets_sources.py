"""Each source as it is published, in small; and what hostile ones get told."""

import os
from pathlib import Path

import pytest

from datasets.layouts import folder, prepared, table
from datasets.layouts.names import class_name, harmless
from datasets.layouts.source import Box, DatasetError
from ml.datasets import KNOWN, bccd, pbc, pbc_other, read, txl_pbc
from tests.ml import sets

CIRCLE = "its path cannot be followed: too long, or links in a circle"


def by_name(contents):
    return {picture.name: picture for picture in contents.pictures}


def test_names_of_classes_as_people_write_them():
    said = ["Neutrophils", "SNE", "band_neutrophil", "EOSINOPHIL", "lymphs", " Mono ", "Baso."]
    assert [class_name(text) for text in said] == [
        *("neutrophil", "neutrophil", "neutrophil", "eosinophil", "lymphocyte"),
        *("monocyte", "basophil"),
    ]
    assert class_name("Immature Granulocytes") == "ig"
    assert class_name("Smudge cell") == "smudge cell", "not one of ours keeps its name"
    assert class_name("клетка") == "клетка"
    assert class_name("NEUTROPHIL, EOSINOPHIL") == "neutrophil,eosinophil"
    assert class_name("  ") == ""


@pytest.mark.parametrize("text", ["=1+1", "@x", "-a", "a|b", "x" * 61, "a,,b", "<b>", "a\nb"])
def test_what_is_no_name_of_a_class(text):
    with pytest.raises(ValueError, match="is no name"):
        class_name(text)


def test_cells_of_a_table_are_no_formulas():
    assert harmless("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    assert harmless("+x") == "'+x"
    assert harmless("-1.5") == "-1.5"
    assert harmless(" plain ") == "plain"
    assert harmless("") == ""


def test_a_folder_per_class(tmp_path):
    sets.folders(tmp_path, {"Neutrophils": 2, "smudge": 1})
    sets.save(tmp_path / "EOS" / "patient7" / "a.JPG", 9)
    sets.save(tmp_path / "Neutrophils" / "patient7" / "b.png", 8)
    (tmp_path / "EOS" / "notes.txt").write_text("x")
    (tmp_path / ".hidden").mkdir()
    sets.save(tmp_path / ".hidden" / "x.png", 1)
    (tmp_path / "monocyte").mkdir()
    found = folder.read(tmp_path)
    pictures = by_name(found)
    assert {name: p.kind for name, p in pictures.items()} == {
        "EOS/patient7/a.JPG": "eosinophil",
        "Neutrophils/000.png": "neutrophil",
        "Neutrophils/001.png": "neutrophil",
        "Neutrophils/patient7/b.png": "neutrophil",
        "smudge/000.png": "smudge",
    }
    assert pictures["EOS/patient7/a.JPG"].group == "patient7"
    assert pictures["Neutrophils/patient7/b.png"].group == "patient7"
    assert pictures["Neutrophils/000.png"].group != pictures["smudge/000.png"].group
    assert found.notes == [
        "Files that are no pictures, passed over: 1.",
        "Class folder monocyte is empty.",
    ]
    assert found.problems == []


def test_a_folder_with_its_own_split(tmp_path):
    sets.folders(tmp_path / "Training", {"neutrophil": 1})
    sets.folders(tmp_path / "test", {"neutrophil": 1, "monocyte": 0})
    (tmp_path / "test" / "monocyte").mkdir()
    found = folder.read(tmp_path)
    assert {p.name: (p.kind, p.split) for p in found.pictures} == {
        "Training/neutrophil/000.png": ("neutrophil", "train"),
        "test/neutrophil/000.png": ("neutrophil", "test"),
    }
    assert found.notes == ["Class folder test/monocyte is empty."]


def test_a_folder_around_everything_is_seen_through(tmp_path):
    top = sets.folders(tmp_path / "set" / "download" / "our cells", {"neutrophil": 1, "x": 1})
    assert sorted(by_name(folder.read(tmp_path / "set"))) == ["neutrophil/000.png", "x/000.png"]
    sets.folders(tmp_path / "one" / "neutrophil", {"patient1": 1})
    (one,) = folder.read(tmp_path / "one").pictures
    assert (one.kind, one.group) == ("neutrophil", "patient1")
    assert len(folder.read(top).pictures) == 2


def test_what_in_a_folder_cannot_be_used_is_named(tmp_path):
    root = sets.folders(tmp_path / "set", {"neutrophil": 1, "=cmd": 1})
    sets.save(root / "loose.png", 3)
    outside = sets.save(tmp_path / "secret" / "s.png", 4)
    (root / "neutrophil" / "out.png").symlink_to(outside)
    (root / "neutrophil" / "gone.png").symlink_to(root / "nowhere.png")
    (root / "neutrophil" / "loop.png").symlink_to(root / "neutrophil" / "loop.png")
    (root / "links").symlink_to(outside.parent)
    (root / "neutrophil" / "in.png").symlink_to(root / "neutrophil" / "000.png")
    sets.save(root / "neutrophil" / "two\nlines.png", 5)
    (Path(os.fsdecode(os.fsencode(root / "neutrophil") + b"/caf\xe9.png"))).write_bytes(b"x")
    found = folder.read(root)
    assert sorted(by_name(found)) == ["neutrophil/000.png", "neutrophil/in.png"]
    problems = dict(found.problems)
    assert problems == {
        "=cmd/000.png": "its class '=cmd' is no name",
        "links": "it is a link to a folder; it is not followed",
        "loose.png": "it lies in no class folder",
        "neutrophil/caf\\udce9.png": "its name cannot be written in a table; rename it",
        "neutrophil/gone.png": "the file is missing",
        "neutrophil/loop.png": CIRCLE,
        "neutrophil/out.png": "it is a link to outside of the set's folder",
        "neutrophil/two\nlines.png": "its name cannot be written in a table; rename it",
    }


def test_a_table(tmp_path):
    sets.save(tmp_path / "a.png", 1)
    sets.save(tmp_path / "sub" / "b.png", 2)
    (tmp_path / "t.csv").write_text(
        "\ufeffImage;Label;Patient;Split;colour;=x\n"
        "a.png;Neutrophil;p1;Train;=red;1\n"
        "sub\\b.png;EOS;;;blue;-2\n",
        encoding="utf-8",
    )
    found = by_name(table.read(tmp_path / "t.csv"))
    assert (found["a.png"].kind, found["a.png"].group, found["a.png"].split) == (
        *("neutrophil", "p1"),
        "train",
    )
    assert found["a.png"].attributes == {"colour": "'=red", "'=x": "1"}
    assert (found["sub/b.png"].kind, found["sub/b.png"].group) == ("eosinophil", "sub/b")
    assert found["sub/b.png"].split == ""


def test_rows_of_a_table_that_cannot_be_used_are_named(tmp_path):
    root = tmp_path / "set"
    for name in ("a.png", "b.png", "c.png"):
        sets.save(root / name, 1)
    sets.save(tmp_path / "out.png", 2)
    (root / "link.png").symlink_to(tmp_path / "out.png")
    rows = [
        ("a.png", "neutrophil", ""),
        ("../out.png", "neutrophil", ""),
        (str(tmp_path / "out.png"), "neutrophil", ""),
        ("link.png", "neutrophil", ""),
        ("absent.png", "neutrophil", ""),
        ("", "neutrophil", ""),
        ("a.png", "neutrophil", ""),
        ("b.png", "=1+1", ""),
        ("b.png", "monocyte", "fold 3"),
        ("c.png", "monocyte", ""),
        ("./c.png", "basophil", ""),
        ("x" * 5000 + ".png", "neutrophil", ""),
    ]
    path = sets.table(
        root / "t.csv", [dict(zip(("path", "class", "split"), row, strict=True)) for row in rows]
    )
    found = table.read(path)
    assert sorted(by_name(found)) == ["a.png"]
    reasons = [reason for _, reason in found.problems]
    assert reasons[:8] == [
        "its path leads out of the set's folder",
        "its path is absolute or empty; paths are relative to the set's folder",
        "it is a link to outside of the set's folder",
        "the file is missing",
        "its path is absolute or empty; paths are relative to the set's folder",
        "the table names it more than once",
        "its class '=1+1' is no name",
        "its split 'fold 3' is none of train, val, test",
    ]
    assert found.problems[8] == ("row 12: ./c.png", "the table names it more than once")
    assert found.problems[9][1] == CIRCLE
    assert found.problems[10] == ("c.png", "the table gives it two classes; neither is taken")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name,kind\nx,y\n", "has no column class and no column path"),
        (b"", "has no column"),
        (b"path,class\n\xff\xfe,x\n", "no table in UTF-8"),
        (b'path,class\n"' + b"x" * 200_000 + b'",y\n', "no table in UTF-8"),
    ],
)
def test_what_is_no_table(tmp_path, content, said):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        table.read(path)


def test_a_set_in_our_own_layout_under_another_name(tmp_path):
    root = tmp_path / "renamed"
    sets.save(root / "images" / "a.jpg", 1)
    sets.table(
        root / "manifest.csv",
        [
            {"path": "old/images/a.jpg", "split": "val", "sha256": "ab", "source": "raabin"},
            {"path": "old/../../etc/passwd", "split": "", "sha256": "", "source": ""},
            {"path": "old/images/a.jpg\n", "split": "", "sha256": "", "source": ""},
        ],
    )
    corners = {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4}
    sets.table(root / "boxes.csv", [{"path": "old/images/a.jpg", "label": "WBC", **corners}])
    found = read(root)
    (one,) = found.pictures
    assert (one.name, one.kind, one.group, one.split) == ("images/a.jpg", "", "a", "val")
    assert (one.sha256, one.attributes) == ("ab", {"source": "raabin"})
    assert one.boxes == (Box("WBC", 1, 2, 3, 4),)
    assert len(found.problems) == 2


def test_broken_boxes_are_told(tmp_path):
    sets.table(tmp_path / "manifest.csv", [{"path": "x/a.jpg"}])
    sets.table(tmp_path / "boxes.csv", [{"path": "x/a.jpg", "xmin": "wide"}])
    with pytest.raises(DatasetError, match="is no box"):
        prepared.read(tmp_path)


@pytest.fixture
def pbc_as_published(tmp_path):
    root = tmp_path / "unpacked"
    top = root / "PBC_dataset_normal_DIB"
    for number, (kind, stem) in enumerate(
        [("basophil", "BA_1"), ("neutrophil", "SNE_1"), ("neutrophil", "BNE_2"), ("ig", "PMY_3")]
    ):
        sets.save(top / kind / f"{stem}.jpg", number)
    (top / "neutrophil" / ".DS_169665.jpg").write_bytes(b"rubbish, as in the archive")
    return root


def test_pbc_without_wbcatt(pbc_as_published):
    found = pbc.read(pbc_as_published)
    assert {p.name: (p.kind, p.group, p.split) for p in found.pictures} == {
        "basophil/BA_1.jpg": ("basophil", "BA_1", ""),
        "neutrophil/SNE_1.jpg": ("neutrophil", "SNE_1", ""),
        "neutrophil/BNE_2.jpg": ("neutrophil", "BNE_2", ""),
    }
    assert "the split is drawn here" in found.notes[0]
    assert [p.name for p in pbc_other.read(pbc_as_published).pictures] == ["ig/PMY_3.jpg"]


def test_pbc_with_wbcatt(pbc_as_published):
    row = {"img_name": "SNE_1.jpg", "label": "Neutrophil", "cell_size": "big", "path": "x"}
    sets.table(pbc_as_published / "pbc_attr_v1_test.csv", [row])
    found = by_name(pbc.read(pbc_as_published))
    assert found["neutrophil/SNE_1.jpg"].split == "test"
    assert found["neutrophil/SNE_1.jpg"].attributes == {"cell_size": "big"}
    assert found["basophil/BA_1.jpg"].split == ""
    assert found["basophil/BA_1.jpg"].attributes == {}


VOC = """<annotation><filename>BloodImage_00000.jpg</filename>
<object><name>WBC</name><bndbox><xmin>260</xmin><ymin>177</ymin><xmax>491</xmax><ymax>376</ymax>
</bndbox></object></annotation>"""


def test_bccd(tmp_path):
    top = tmp_path / "BCCD_Dataset-1.0" / "BCCD"
    (top / "Annotations").mkdir(parents=True)
    (top / "ImageSets" / "Main").mkdir(parents=True)
    (top / "ImageSets" / "Main" / "val.txt").write_text("BloodImage_00000\nBloodImage_00002\n")
    for number, text in enumerate([VOC, VOC.replace("260", "left"), "<!DOCTYPE x>" + VOC, "<x"]):
        sets.save(top / "JPEGImages" / f"BloodImage_{number:05d}.jpg", number)
        (top / "Annotations" / f"BloodImage_{number:05d}.xml").write_text(text)
    (top / "Annotations" / "BloodImage_00009.xml").write_text(VOC)
    found = bccd.read(tmp_path)
    assert "No labels.csv" in found.notes[0]
    (tmp_path / "labels.csv").write_text(',Image,Category\n0,0,"NEUTROPHIL, EOSINOPHIL"\n1,,x\n')
    (one,) = bccd.read(tmp_path).pictures
    assert (one.name, one.kind, one.group, one.split) == (
        *("images/BloodImage_00000.jpg", "neutrophil,eosinophil"),
        *("BloodImage_00000", "val"),
    )
    assert one.boxes == (Box("WBC", 260, 177, 491, 376),)
    reasons = dict(found.problems)
    assert "no Pascal VOC" in reasons["BloodImage_00001.xml"]
    assert "entities" in reasons["BloodImage_00002.xml"]
    assert "no Pascal VOC" in reasons["BloodImage_00003.xml"]
    assert reasons["BloodImage_00009.xml"] == "the file is missing"
    with pytest.raises(DatasetError, match="not BCCD as published"):
        bccd.read(top / "ImageSets")


def test_txl_pbc(tmp_path):
    top = tmp_path / "TXL-PBC_Dataset" / "TXL_PBC"
    (top / "labels" / "test").mkdir(parents=True)
    line = "1 0.079167 0.838843 0.152778 0.201102\n0 0.498611 0.505510 0.330556 0.449036\n"
    for name, text in {"good": line, "short": "1 0.5\n", "unknown": "7 .5 .5 .1 .1\n"}.items():
        sets.save(top / "images" / "test" / f"{name}.jpg", sets.picture(1, 400)[:363, :360])
        (top / "labels" / "test" / f"{name}.txt").write_text(text)
    (top / "images" / "test" / "broken.jpg").write_bytes(b"no picture")
    (top / "labels" / "test" / "broken.txt").write_text(line)
    sets.save(top / "images" / "test" / "bare.jpg", 1)
    found = txl_pbc.read(tmp_path)
    (one,) = found.pictures
    assert (one.name, one.kind, one.split) == ("images/test/good.jpg", "", "test")
    assert one.boxes == (Box("RBC", 1, 268, 56, 341), Box("WBC", 120, 102, 239, 265))
    assert sorted(name for name, _ in found.problems) == [
        *("test/bare.jpg", "test/broken.jpg", "test/short.jpg", "test/unknown.jpg")
    ]
    with pytest.raises(DatasetError, match="not TXL-PBC as published"):
        txl_pbc.read(top / "images")


def test_every_known_set_says_whose_it_is_and_downloads_over_https():
    assert list(KNOWN) == ["pbc", "pbc_other", "bccd", "txl_pbc"]
    for source in KNOWN.values():
        assert source.licence
        assert len(source.citation) > 40
        assert sum(source.shares) == pytest.approx(1)
        for remote in source.files:
            assert remote.url.startswith("https://")
            assert remote.sha256 == "" or len(remote.sha256) == 64


def test_what_is_not_there(tmp_path):
    with pytest.raises(DatasetError, match="There is no"):
        read(tmp_path / "nothing")
