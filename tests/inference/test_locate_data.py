"""The locator on photographs with boxes that people drew. Thresholds a little below what
`python -m ml.locating` measured."""

import cv2
import numpy as np
import pytest

from classifier.inference.locate import locate
from classifier.inference.preprocess import decode
from ml.locating import measure
from ml.locator.boxes import ERRATA, read_boxes

pytestmark = pytest.mark.realdata


def pairs(folder, name: str, split: str):
    both = zip(read_boxes(folder, name), read_boxes(folder, name, corrected=True), strict=True)
    return [pair for pair in both if pair[0].split == split]


@pytest.mark.parametrize("name", ["bccd_fields", "txl_pbc"])
def test_white_cells_are_found_and_little_else(real_data, name):
    score = measure(pairs(real_data, name, "test")).corrected
    assert score.true >= 70
    assert score.recall >= 0.97
    assert score.precision >= 0.95
    assert score.mean_iou >= 0.78


def test_fields_without_a_white_cell_are_empty_or_were_overlooked(real_data):
    """All pictures without a box: what is found there, people had left unmarked."""
    for name in ("bccd_fields", "txl_pbc"):
        for picture in read_boxes(real_data, name, corrected=True):
            if not picture.boxes and not picture.unmarked and picture.split == "test":
                assert locate(decode(picture.path.read_bytes())).cells == ()


def test_every_known_error_of_the_sets_is_one(real_data):
    """Errata name boxes that are there, and pictures that are there."""
    named = {line.split(",")[0] for line in ERRATA.read_text().splitlines()[1:]}
    seen = set()
    for name in ("bccd_fields", "txl_pbc"):
        for given, corrected in zip(
            read_boxes(real_data, name), read_boxes(real_data, name, corrected=True), strict=True
        ):
            if given.boxes != corrected.boxes or corrected.unmarked:
                seen.add(given.name)
    assert seen == named


def test_photographs_keep_their_box_when_turned(real_data):
    for given, _ in pairs(real_data, "txl_pbc", "val")[::20]:
        rgb = decode(given.path.read_bytes())
        cell = locate(rgb).cells[0]
        other = locate(np.ascontiguousarray(cv2.rotate(rgb, cv2.ROTATE_180))).cells[0]
        x, y = other.centre
        height, width = rgb.shape[:2]
        assert np.hypot(width - x - cell.centre[0], height - y - cell.centre[1]) < (
            0.1 * cell.diameter
        )
        assert 0.85 < other.diameter / cell.diameter < 1.18
