"""The locator on drawn cells and fields, whose truth is exact, and on pictures without cells."""

import cv2
import numpy as np
import pytest

from classifier.inference.locate import locate
from ml.locator.boxes import Score, iou
from ml.phantoms import LABELS, MGG, WRIGHT, draw_cell, draw_field
from ml.scenes import far

SEEDS = range(9100, 9106)


def corners(box) -> tuple[float, float, float, float]:
    x, y, width, height = box
    return x, y, x + width, y + height


def turned(box, side: int):
    """A box of a square picture after np.rot90 (a quarter turn to the left)."""
    left, top, right, bottom = box
    return top, side - right, bottom, side - left


@pytest.fixture(scope="module")
def drawn():
    stains = (MGG, WRIGHT)
    return [draw_cell(label, seed, stain=stains[seed % 2]) for seed in SEEDS for label in LABELS]


def test_a_drawn_cell_is_found_where_it_was_drawn(drawn):
    score = Score()
    for phantom in drawn:
        score.add([corners(phantom.box)], [cell.box for cell in locate(phantom.image).cells])
    assert score.recall == 1
    assert score.precision >= 0.95
    assert score.mean_iou > 0.85


def test_masks_of_cell_and_nucleus_are_those_of_the_drawing(drawn):
    cells, nuclei = [], []
    for phantom in drawn:
        cell = locate(phantom.image).cells[0]
        left, top, right, bottom = (round(value) for value in cell.box)
        for mask, true, shares in (
            (cell.mask, phantom.mask, cells),
            (cell.nucleus, phantom.nucleus_mask, nuclei),
        ):
            found = np.zeros(true.shape, bool)
            size = (right - left, bottom - top)
            found[top:bottom, left:right] = cv2.resize(mask.astype(np.uint8), size) > 0
            shares.append((found & true).sum() / (found | true).sum())
    assert np.mean(cells) > 0.85
    assert np.mean(nuclei) > 0.7


def test_the_background_is_the_colour_of_the_empty_slide(drawn):
    for phantom in drawn[:10]:
        empty = locate(phantom.image).background
        brightest = np.percentile(phantom.image.reshape(-1, 3), 90, axis=0)
        assert np.abs(empty - brightest).max() < 12


def test_every_white_cell_of_a_field_is_found():
    score = Score()
    for seed in range(700, 708):
        field = draw_field(seed, labels=["neutrophil", "lymphocyte", "monocyte"])
        found = [cell.box for cell in locate(field.image).cells]
        score.add([corners(cell.box) for cell in field.cells], found)
    assert score.recall >= 0.95
    assert score.precision >= 0.95
    assert score.mean_iou > 0.8


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_box_turns_with_the_picture(drawn, mirrored):
    for phantom in drawn[:10]:
        picture = phantom.image
        expected = locate(picture).cells[0].box
        if mirrored:
            picture = np.ascontiguousarray(picture[:, ::-1])
            expected = (360 - expected[2], expected[1], 360 - expected[0], expected[3])
        for _ in range(4):
            assert iou(locate(picture).cells[0].box, expected) > 0.85
            picture = np.ascontiguousarray(np.rot90(picture))
            expected = turned(expected, 360)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda light: light * [1.0, 0.85, 0.7], id="warmer lamp"),
        pytest.param(lambda light: light * 0.6, id="darker lamp"),
        pytest.param(lambda light: light**1.4, id="stronger stain"),
        pytest.param(lambda light: light**0.7, id="weaker stain"),
    ],
)
def test_lamp_and_strength_of_stain_do_not_move_the_box(drawn, change):
    for phantom in drawn[:15]:
        other = np.clip(np.rint(change(phantom.image / 255) * 255), 0, 255).astype(np.uint8)
        before, after = locate(phantom.image).cells, locate(other).cells
        assert len(after) >= 1
        assert iou(before[0].box, after[0].box) > 0.8


def test_black_padding_and_drawn_frames_change_nothing(drawn):
    for number, phantom in enumerate(drawn[:10]):
        colour = ([0, 0, 0], [255, 255, 255], [40, 90, 200])[number % 3]
        padded = cv2.copyMakeBorder(phantom.image, 90, 30, 0, 70, cv2.BORDER_CONSTANT, value=colour)
        located = locate(padded)
        left, top, right, bottom = locate(phantom.image).cells[0].box
        expected = (left, top + 90, right, bottom + 90)
        assert iou(located.cells[0].box, expected) > 0.8
        assert np.abs(located.background - locate(phantom.image).background).max() < 8


def test_two_cells_that_touch_are_two(drawn):
    found = 0
    pairs = [(drawn[i], drawn[i + 1]) for i in range(0, 20, 2)]
    for one, other in pairs:
        halves = [
            each.image[:, each.box[0] - 4 : each.box[0] + each.box[2] + 4] for each in (one, other)
        ]
        joined = np.ascontiguousarray(np.hstack(halves))
        score = Score()
        boxes = [
            (left + 4, each.box[1], left + 4 + each.box[2], each.box[1] + each.box[3])
            for left, each in ((0, one), (halves[0].shape[1], other))
        ]
        found += score.add(boxes, [cell.box for cell in locate(joined).cells])
    assert found >= 0.8 * len(pairs)


def test_no_cell_is_seen_where_there_is_none():
    seen = [
        kind for kind, picture in far(6, seed=31) if locate(np.ascontiguousarray(picture)).cells
    ]
    assert len(seen) <= 4, seen  # of sixty


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 500), (2, 3), (7, 7), (64, 10_000), (10_000, 64), (33, 31)]
)
@pytest.mark.parametrize("content", ["noise", "black", "white", "grey"])
def test_odd_pictures_are_looked_at_in_vain_and_without_a_fault(shape, content):
    rng = np.random.default_rng(3)
    values = {"black": 0, "white": 255, "grey": 128}
    picture = (
        rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        if content == "noise"
        else np.full((*shape, 3), values[content], np.uint8)
    )
    located = locate(picture)
    assert located.cells == ()
    assert located.background.shape == (3,)
    assert np.isfinite(located.background).all()
