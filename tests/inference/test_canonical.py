"""The canonical crop: the cell in the middle, as large in every picture, on white."""

import cv2
import numpy as np
import pytest

from classifier.inference import Model, load_model
from classifier.inference.canonical import canonical_view
from classifier.inference.locate import Cell, Located, locate
from classifier.inference.overlay import overlay_rgba
from classifier.inference.preprocess import CELL, CENTRE, crop
from classifier.inference.reasons import NO_CELL, explain
from ml.phantoms import LABELS, draw_cell
from tests.inference.conftest import write_model

EMPTY = np.array([230, 220, 200], np.float32)


@pytest.fixture(scope="module")
def cell_model(tmp_path_factory) -> Model:
    directory = tmp_path_factory.mktemp("models") / "cells"
    return load_model(write_model(directory, preprocessing=CELL), threads=1)


def target(x: float, y: float, diameter: int, side: int = 400) -> np.ndarray:
    """A disc with a red upper, green right, blue lower and black left quarter, on EMPTY."""
    picture = np.full((side, side, 3), EMPTY, np.uint8)
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (20, 20, 20)]
    for number, colour in enumerate(colours):
        start = -135 + 90 * number
        centre, axes = (round(x), round(y)), (diameter // 2, diameter // 2)
        cv2.ellipse(picture, centre, axes, 0, start, start + 90, colour, -1)
    return picture


def known(x: float, y: float, diameter: float, outside: np.ndarray | None = None) -> Located:
    half, nothing = diameter / 2, np.zeros((1, 1), bool)
    cell = Cell((x - half, y - half, x + half, y + half), 1.0, nothing, nothing)
    return Located((cell,), EMPTY, outside, 1.0)


def test_the_cell_fills_its_share_and_the_background_is_white():
    view = canonical_view(target(150, 220, 100), known(150, 220, 100), size=140)
    assert view.box == (80, 150, 140, 140)
    coloured = (view.pixels.min(2) < 200).nonzero()
    for axis in coloured:
        assert abs(axis.min() - 20) <= 1
        assert abs(axis.max() - 120) <= 1
    assert (view.pixels[:10] == 255).all()


def test_angle_flip_and_shift_move_the_view_as_they_say():
    picture, located = target(200, 200, 100), known(200, 200, 100)

    def quarters(**options) -> str:
        pixels = canonical_view(picture, located, size=141, **options).pixels
        top, right, bottom, left = (40, 70), (70, 100), (100, 70), (70, 40)
        letters = []
        for place in (top, right, bottom, left):
            colour = pixels[place]
            letters.append("rgb"[int(colour.argmax())] if colour.max() > 100 else "k")
        return "".join(letters)

    assert quarters() == "rgbk"
    assert quarters(flip=True) == "rkbg"
    assert quarters(angle=90) == "gbkr"  # to the left: what was right is on top
    assert quarters(angle=180) == "bkrg"
    moved = canonical_view(picture, located, size=140, shift=(0.2, 0))
    assert moved.box == (150, 130, 140, 140)
    columns = (moved.pixels.min(2) < 200).nonzero()[1]
    assert abs(columns.mean() - (70 - 20)) < 2


@pytest.mark.parametrize("size", [40, 96, 140, 299])
def test_the_middle_stays_in_the_middle_at_every_size(size):
    view = canonical_view(target(150, 220, 100), known(150, 220, 100), size=size)
    rows, columns = (view.pixels.min(2) < 200).nonzero()
    assert abs(rows.mean() - (size - 1) / 2) < 0.02 * size
    assert abs(columns.mean() - (size - 1) / 2) < 0.02 * size


def test_strong_reduction_averages_instead_of_skipping():
    picture = np.full((1200, 1200, 3), 255, np.uint8)
    picture[::2] = 0  # lines of one pixel
    view = canonical_view(picture, known(600, 600, 700), size=64)
    mean = view.pixels.astype(float) * EMPTY / 255
    assert 90 < mean.min() <= mean.max() < 165


def test_turned_views_at_the_rim_show_background_and_no_black():
    picture = np.full((200, 200, 3), EMPTY, np.uint8)
    for angle in (0, 30, 45, 200):
        view = canonical_view(picture, known(10, 10, 100), size=96, angle=angle)
        assert (view.pixels == 255).all()


def test_black_padding_becomes_background():
    picture = target(200, 200, 100)
    picture[:120] = 0
    outside = np.zeros((100, 100), bool)
    outside[:31] = True
    view = canonical_view(picture, known(200, 200, 100, outside), size=140, diameters=2)
    assert view.pixels[:20].min() == 255


def test_another_cell_of_the_picture_can_be_shown():
    picture = target(100, 100, 80)
    first, second = known(300, 300, 60).cells[0], known(100, 100, 80).cells[0]
    located = Located((first, second), EMPTY, None, 1.0)
    assert canonical_view(picture, located, size=64).pixels.min() == 255
    assert canonical_view(picture, located, size=64, cell=1).pixels.min() < 50


@pytest.mark.parametrize("label", LABELS)
def test_serving_crops_what_training_views(label):
    phantom = draw_cell(label, 41)
    served = crop(phantom.image, size=96, preprocessing=CELL)
    view = canonical_view(phantom.image, locate(phantom.image), size=96)
    assert served.found
    np.testing.assert_array_equal(served.pixels, view.pixels)
    assert (served.box.x, served.box.y, served.box.width, served.box.height) == view.box
    x, y, width, height = phantom.box
    assert abs(served.box.x + served.box.width / 2 - x - width / 2) < 0.1 * width
    assert abs(served.box.y + served.box.height / 2 - y - height / 2) < 0.1 * height
    assert 1.2 < served.box.width / max(width, height) < 1.6


def test_lamp_and_white_balance_do_not_change_the_crop():
    phantom = draw_cell("neutrophil", 12)
    warm = np.rint(phantom.image * [0.95, 0.8, 0.65]).astype(np.uint8)
    pixels = [crop(each, size=96, preprocessing=CELL).pixels for each in (phantom.image, warm)]
    assert np.abs(pixels[0].astype(int) - pixels[1]).mean() < 6


@pytest.mark.parametrize("shape", [(200, 300), (700, 1200), (65, 64), (1, 1), (3, 90)])
def test_without_a_cell_the_middle_is_shown_and_said_to_hold_none(shape):
    blank = np.full((*shape, 3), 225, np.uint8)
    shown = crop(blank, size=96, preprocessing=CELL)
    assert not shown.found
    middle = crop(blank, size=96, preprocessing=CENTRE)
    assert shown.box == middle.box
    assert middle.found  # the older way never looks


def test_a_picture_without_a_cell_is_left_to_human_eyes(cell_model):
    blank = np.full((120, 120, 3), 225, np.uint8)
    result = cell_model.classify(blank)
    assert result.abstained
    assert NO_CELL in result.reasons
    assert "cell" in explain(NO_CELL)
    found = cell_model.classify(draw_cell("eosinophil", 3).image)
    assert NO_CELL not in found.reasons


def test_a_crop_that_sticks_out_of_the_picture_can_be_overlaid(cell_model):
    phantom = draw_cell("monocyte", 8)
    x, y, width, height = phantom.box
    corner = np.ascontiguousarray(phantom.image[y + height // 3 :, x + width // 3 :])
    result = cell_model.classify(corner)
    assert result.box.x < 0
    assert result.box.y < 0
    drawn = overlay_rgba(result.cam, box=result.box, width=corner.shape[1], height=corner.shape[0])
    assert drawn.shape[:2] == corner.shape[:2]
    assert drawn[:, :, 3].any()
