"""What fine-tuning learns from besides labelled cells."""

import numpy as np
import pytest

from ml import pseudo, teaching
from ml.attributes import WIDTH
from ml.config import TrainConfig
from ml.data import read_set
from ml.patches import SIDE
from ml.views import Cells

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")


def cells(count: int, label: int) -> Cells:
    return Cells(
        np.full((count, 4, 4, 3), label, np.uint8),
        np.eye(5, dtype=np.float32)[[label] * count],
        np.zeros((count, WIDTH), np.float32),
        np.full(count, 1 / count),
    )


def test_each_part_has_its_share_of_a_batch():
    both = teaching.together([(0.75, cells(10, 0)), (0.25, cells(5, 3))])
    assert both.weights.sum() == pytest.approx(1)
    assert both.weights[both.labels[:, 3] == 1].sum() == pytest.approx(0.25)


def test_cells_of_no_class_are_as_much_of_each_and_their_kinds_come_evenly(discs, tmp_path):
    samples = read_set(discs, "pbc_other", "val")
    found = teaching.of_no_class(samples, tmp_path)
    assert found.labels == pytest.approx(np.full((len(samples), 5), 0.2))
    assert found.weights.sum() == pytest.approx(1)
    assert not found.attributes.any()


def test_labels_of_the_unlabelled_are_kept_for_an_interrupted_run(tmp_path, monkeypatch):
    config, others = TrainConfig(pseudo_most=2), np.zeros((20, SIDE, SIDE, 3), np.uint8)
    rng = np.random.default_rng(3)
    monkeypatch.setattr(
        pseudo, "answers", lambda *_, **__: rng.dirichlet(np.ones(5), (2, len(others)))
    )
    kept = tmp_path / "pseudo.npz"
    first = teaching.pseudo_labelled(config, None, others, kept)
    same = teaching.pseudo_labelled(config, None, others, kept)
    np.testing.assert_array_equal(first.labels, same.labels)
    anew = teaching.pseudo_labelled(config, None, others, kept, again=True)
    assert first.labels.shape != anew.labels.shape or (first.labels != anew.labels).any()
    np.testing.assert_array_equal(
        anew.labels, teaching.pseudo_labelled(config, None, others, kept).labels
    )


@pytest.mark.slow
def test_accuracy_counts_only_cells_that_have_a_class():
    from ml.fitting import KnownAccuracy

    truth = np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0.2] * 5], np.float32)
    said = np.array([[9, 0, 0, 0, 0], [9, 0, 0, 0, 0], [9, 0, 0, 0, 0]], np.float32)
    metric = KnownAccuracy(name="accuracy")
    metric.update_state(truth, said)
    assert float(metric.result()) == pytest.approx(0.5)


@pytest.mark.slow
def test_the_unlabelled_are_labelled_anew_evenly_over_the_epochs():
    from ml.fitting import Relabel
    from ml.views import Views

    config = TrainConfig(fine_tune_epochs=10, pseudo_rounds=3)
    views = Views(config, cells(5, 0), np.zeros((1, 3), np.float32), threads=1)
    asked = []
    callback = Relabel(views, lambda: asked.append(views.epoch) or cells(5, 1))
    for epoch in range(10):
        views.epoch = epoch
        callback.on_test_end()
    assert asked == [2, 6]
    assert views.cells.labels[0, 1] == 1
