"""The shared sets: what the model's figures rest on."""

import json
from collections import Counter
from io import StringIO

import cv2
import numpy as np
import pytest
from django.core.management import call_command

from datasets.layouts import prepared
from ml.data import fingerprint, read_set
from ml.datasets.findings import Other as Set
from ml.datasets.findings import families, matches
from ml.datasets.prepare import MEMORY
from ml.datasets.scan import Scanner
from ml.datasets.similar import between, within
from tests.ml import sets

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """One data folder for all, so that each picture is read once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def scanner(data):
    return Scanner(data / MEMORY)


@pytest.fixture
def pbc(real_data, scanner):
    pictures = prepared.read(real_data / "pbc").pictures
    return Set("pbc", pictures, scanner.looks([p.file for p in pictures], "pbc"))


def test_no_near_duplicate_of_pbc_train_lies_in_pbc_test(pbc):
    assert Counter(p.split for p in pbc.pictures) == {"train": 3000, "val": 500, "test": 1500}
    assert families(pbc.pictures, within(pbc.looks)) == []


def test_a_near_duplicate_in_pbc_would_be_found(pbc, scanner, tmp_path):
    """So that the test above is worth something: changed copies of its own pictures are all found."""
    rows = range(0, 5000, 100)
    files = []
    for row in rows:
        rgb = cv2.imread(str(pbc.pictures[row].file))[:, :, ::-1]
        changed = cv2.resize(np.rot90(rgb, row // 100 % 4)[4:], (200, 200))[
            :, :: (-1) ** (row // 400)
        ]
        darker = (changed * 0.9).astype(np.uint8)
        files.append(sets.save(tmp_path / f"{row}.jpg", darker, cv2.IMWRITE_JPEG_QUALITY, 60))
    pairs = between(scanner.looks(files, "changed"), pbc.looks)
    assert [(pair.a, pair.b) for pair in pairs] == list(enumerate(rows))


def test_other_cells_and_fields_share_nothing_with_pbc(real_data, scanner, pbc):
    for name in ("pbc_other", "bccd_fields"):
        pictures = prepared.read(real_data / name).pictures
        looks = scanner.looks([p.file for p in pictures], name)
        assert matches(looks, [pbc]) == []


def test_pictures_of_pbc_test_within_txl_pbc_are_reported(real_data, data):
    said = StringIO()
    call_command(
        "prepare_dataset",
        *("txl_pbc", "--from", str(real_data / "txl_pbc"), "--data", str(data), "--link"),
        *("--against", str(real_data / "pbc")),
        stdout=said,
    )
    assert "Also in pbc: 306; in its val or test: 121." in said.getvalue()
    found = json.loads((data / "txl_pbc" / "report.json").read_text())
    sides = Counter(row["there"]["split"] for row in found["elsewhere"])
    assert sides == {"train": 185, "val": 32, "test": 89}
    assert all(row["exact"] for row in found["elsewhere"])
    # The same cell photographed twice: three pairs, one of them across the official split.
    assert [row["leak"] for row in found["repeated"]] == [True, False, False]


def test_preparing_the_shared_pbc_changes_no_picture_and_no_split(real_data, data):
    call_command(
        "prepare_dataset",
        *("pbc", "--from", str(real_data / "pbc"), "--data", str(data), "--link"),
        stdout=StringIO(),
    )
    ours, theirs = read_set(data, "pbc"), read_set(real_data, "pbc")
    assert fingerprint(ours) == fingerprint(theirs)
    assert [sample.split for sample in ours] == [sample.split for sample in theirs]
