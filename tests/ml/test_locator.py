"""The locator's training: truth made from boxes, views made from truth, and a short run."""

import csv

import cv2
import numpy as np
import pytest

from classifier.inference.locator_net import BLOCK, REACH
from ml import locating
from ml.locator.boxes import Score, iou, match, read_boxes
from ml.locator.masks import mark
from ml.locator.views import View, _frame, _restained, sample, truth
from ml.phantoms import LABELS, draw_cell


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten drawn cells in the layout of txl_pbc and bccd_fields."""
    data = tmp_path_factory.mktemp("data")
    for name, kind in (("txl_pbc", "label"), ("bccd_fields", "type")):
        (data / name).mkdir()
        pictures, boxes = [], []
        for seed in range(10):
            phantom = draw_cell(LABELS[seed % 5], 300 + seed)
            path = f"{name}/{seed}.png"
            cv2.imwrite(str(data / path), phantom.image[:, :, ::-1])
            height, width = phantom.image.shape[:2]
            split = ("train", "val", "test")[seed % 3]
            pictures.append([path, ("raabin", "pbc")[seed % 2], split, width, height])
            x, y, w, h = phantom.box
            boxes += [[path, "WBC", x, y, x + w, y + h], [path, "RBC", 0, 0, 20, 20]]
        for file, header, rows in (
            ("manifest.csv", ["path", "source", "split", "width", "height"], pictures),
            ("boxes.csv", ["path", kind, "xmin", "ymin", "xmax", "ymax"], boxes),
        ):
            with (data / name / file).open("w", newline="") as stream:
                csv.writer(stream).writerows([header, *rows])
    (data / "pbc").mkdir()
    (data / "pbc" / "manifest.csv").touch()
    return data


def test_overlap_is_shared_area_over_joined_area():
    assert iou((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(50 / 150)
    assert iou((0, 0, 10, 10), (10, 0, 20, 10)) == 0


def test_each_box_is_matched_once_and_the_best_first():
    true, found = [(0, 0, 10, 10), (20, 0, 30, 10)], [(1, 0, 11, 10), (0, 0, 10, 9)]
    assert [(i, j) for _, i, j in match(true, found)] == [(0, 1)]


def test_a_cell_left_unmarked_by_people_is_neither_right_nor_wrong():
    score = Score()
    box, elsewhere = (0.0, 0.0, 10.0, 10.0), (50.0, 50.0, 70.0, 70.0)
    assert score.add([box], [box, elsewhere], unmarked=[elsewhere])
    assert (score.right, score.found) == (1, 1)
    assert not score.add([box], [elsewhere])
    assert (score.recall, score.precision) == (0.5, 0.5)


def test_masks_made_from_a_box_are_near_those_of_the_drawing(folder):
    shares = []
    for picture in read_boxes(folder, "txl_pbc"):
        phantom = draw_cell(LABELS[int(picture.path.stem) % 5], 300 + int(picture.path.stem))
        marked = mark(picture)
        size = marked.cells.shape[::-1]
        for mask, whole in (
            (marked.cells, phantom.mask),
            (marked.nuclei, phantom.nucleus_mask),
        ):
            true = cv2.resize(whole.astype(np.uint8), size) > 0
            shares.append(((mask > 0) & true).sum() / ((mask > 0) | true).sum())
    assert np.mean(shares[::2]) > 0.85
    assert np.mean(shares[1::2]) > 0.65


def test_the_truth_of_a_view_says_where_the_cell_and_its_edges_are():
    cells = np.zeros((128, 128), np.uint8)
    cells[40:80, 20:60] = 1
    nuclei = np.zeros_like(cells)
    nuclei[50:60, 30:40] = 1
    view = View(
        np.zeros((128, 128, 3), np.float32), cells, nuclei, [(1, (20, 40, 60, 80), 1.0)], []
    )
    target = truth(view)
    assert target[:, :, :4].sum() * (BLOCK // 2) ** 2 == cells.sum()
    assert target[:, :, 4:8].sum() * (BLOCK // 2) ** 2 == nuclei.sum()
    rows, columns = target[:, :, 8].nonzero()
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (13, 16, 8, 11)
    middle = np.array([columns[0], rows[0]]) * BLOCK + BLOCK / 2
    reach = target[rows[0], columns[0], 9:13] * REACH
    np.testing.assert_allclose(np.r_[middle - reach[:2], middle + reach[2:]], [20, 40, 60, 80])


def test_views_keep_box_and_mask_together(folder):
    pools = [[mark(picture) for picture in read_boxes(folder, "txl_pbc")]]
    rng, seen = np.random.default_rng(4), 0
    for _ in range(150):
        given, target = sample(pools, [np.zeros((64, 64, 3), np.float32)], rng)
        assert given.shape == (32, 32, 48)
        assert np.isfinite(given).all()
        core = (target[:, :, 8] > 0) & (target[:, :, 13] > 0)
        share = target[:, :, :4].mean(2)
        assert share[core].min(initial=1) >= 0
        seen += bool(core.any())
        if core.sum() > 4:
            assert share[core].mean() > 0.8
    assert seen > 90


def test_another_stain_never_moves_the_cell():
    rng = np.random.default_rng(6)
    cells = np.zeros((128, 128), np.uint8)
    cells[40:70, 80:120] = 1
    for _ in range(100):
        density = _restained(cells[:, :, np.newaxis] * np.ones(3, np.float32), rng).mean(2)
        assert density[cells > 0].mean() > density[cells == 0].mean() + 0.1


def test_below_a_frame_there_is_no_cell_to_find():
    rng = np.random.default_rng(6)
    for _ in range(20):
        density, target = np.ones((128, 128, 3)), np.ones((32, 32, 15))
        _frame(density, target, rng)
        hidden = density.reshape(32, 4, 32, 4, 3).sum((1, 3, 4)) == 0
        assert hidden.any()
        np.testing.assert_array_equal(target[:, :, 8] == 0, hidden)


@pytest.mark.slow
def test_a_short_run_ends_with_weights_that_numpy_reads_as_keras_does(folder, monkeypatch, capsys):
    from ml.locator import train

    monkeypatch.setattr(train, "PHANTOMS", 5)
    monkeypatch.setattr(train, "BATCH", 4)
    weights = train.train(folder, 30, seed=2)  # compares the two when it ends
    assert len(weights) == 22
    assert "30" in capsys.readouterr().out


def test_the_table_has_a_row_for_each_split_and_laboratory(folder, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["locating", "--data", str(folder), "--wrong"])
    locating.main()
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("txl_pbc test raabin") for line in lines)
    assert any(line.startswith("bccd_fields all") for line in lines)
