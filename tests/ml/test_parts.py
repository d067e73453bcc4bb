"""Data, augmentation, weights, metrics and calibration, each on its own; no TensorFlow."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from classifier.inference import merit
from ml import metrics, weights
from ml.calibration import fit_softening, fit_temperature, softmax
from ml.data import DataError, cut, fingerprint, read_set, read_single_cells
from ml.download import DownloadError
from ml.scenes import FAR, SPOILED, far
from ml.summary import summary


def test_importing_the_package_and_its_commands_loads_nothing_heavy():
    code = (
        "import sys, ml, ml.apps, ml.config, ml.data, ml.weights, ml.network\n"
        "import ml.management.commands.train_model, ml.management.commands.export_model\n"
        "import ml.management.commands.evaluate_model, ml.management.commands.model_card\n"
        "import ml.management.commands.benchmark_model\n"
        "assert not {'tensorflow', 'keras', 'sklearn', 'matplotlib', 'nncf'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_changed_picture_is_noticed(discs, tmp_path):
    import shutil

    copy = tmp_path / "data"
    shutil.copytree(discs, copy)
    sample = read_set(copy, "pbc", "val")[0]
    assert sample.rgb().shape == (120, 122, 3)
    sample.path.write_bytes(sample.path.read_bytes() + b"x")
    with pytest.raises(DataError, match="SHA-256 differs"):
        sample.rgb()


def test_splits_and_limits(discs):
    assert len(read_set(discs, "pbc", "train", "val")) == 90
    few = read_set(discs, "pbc", "train", limit=2)
    assert sorted(sample.label for sample in few) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert {sample.label for sample in read_set(discs, "pbc_other")} == {-1}
    with pytest.raises(DataError, match="missing"):
        read_set(discs, "nowhere")


def test_the_fingerprint_knows_names_labels_and_contents(discs):
    samples = read_set(discs, "pbc", "val")
    assert fingerprint(samples) == fingerprint(read_set(discs, "pbc", "val"))
    assert fingerprint(samples) != fingerprint(samples[1:])


def test_single_cells_are_cut_around_their_box(discs):
    samples = read_single_cells(discs)
    assert len(samples) == 5
    assert samples[0].rgb().shape == (84, 84, 3)


def test_a_cut_at_the_rim_is_mirrored():
    picture = np.arange(100 * 100 * 3, dtype=np.uint32).reshape(100, 100, 3).astype(np.uint8)
    part = cut(picture, (0, 0, 40, 40))
    assert part.shape == (56, 56, 3)
    assert (part[8:, 8:] == picture[:48, :48]).all()
    assert (part[7, 8:] == picture[1, :48]).all()


def test_scenes_are_reproducible_and_of_every_kind():
    one, other = far(2, seed=4), far(2, seed=4)
    assert [kind for kind, _ in one] == [kind for kind in FAR for _ in range(2)]
    assert all((a == b).all() for (_, a), (_, b) in zip(one, other, strict=True))
    assert all(p.shape == (360, 360, 3) and p.dtype == np.uint8 for _, p in one)


@pytest.mark.parametrize("kind", SPOILED)
def test_spoiling_keeps_the_size_and_changes_the_picture(discs, kind):
    picture = read_set(discs, "pbc", "val")[0].rgb()
    spoiled = SPOILED[kind](picture)
    assert spoiled.shape[0] == pytest.approx(picture.shape[0], abs=4)
    assert spoiled.dtype == np.uint8
    assert spoiled.shape != picture.shape or (spoiled != picture).any()


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 400)
    logits = rng.normal(0, 1, (400, 5))
    logits[np.arange(400), labels] += 1.5
    return labels, logits


def test_metrics_agree_with_scikit_learn(predictions):
    labels, logits = predictions
    probabilities = softmax(logits)
    found = summary(labels, probabilities, np.zeros(400, bool))
    predicted = probabilities.argmax(axis=1)
    assert found["accuracy"] == pytest.approx((predicted == labels).mean())
    assert found["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert found["loss"] == pytest.approx(log_loss(labels, probabilities))
    low, high = found["accuracy_interval"]
    assert low < found["accuracy"] < high
    assert np.sum(found["confusion"]) == 400


def test_a_class_without_cells_does_not_count_in_macro_f1():
    table = merit.confusion(np.array([0, 0, 1]), np.array([0, 0, 1]))
    assert metrics.macro_f1(table) == 1
    assert metrics.per_class(table)["monocyte"]["f1"] == 0


def test_calibration_error_of_known_cases():
    labels = np.array([0, 1] * 50)
    sure_and_half_right = np.tile([1.0, 0, 0, 0, 0], (100, 1))
    assert metrics.calibration_error(labels, sure_and_half_right) == pytest.approx(0.5)
    honest = np.tile([0.5, 0.5, 0, 0, 0], (100, 1))
    assert metrics.calibration_error(labels, honest) == pytest.approx(0)
    assert metrics.briers(labels, honest) == pytest.approx(0.5)


def test_temperature_undoes_overconfidence(predictions):
    labels, logits = predictions
    plain = fit_temperature(logits * 2, labels)
    assert plain > 1
    assert fit_temperature(logits * 6, labels) == pytest.approx(3 * plain, rel=0.02)
    assert float(np.float16(1 / plain)) == pytest.approx(1 / plain, abs=1e-9)


def test_softening_is_found_where_far_cells_are_answered_too_surely():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 5, 4000)
    distances = rng.uniform(0, 3, 4000)  # beyond what is typical
    signal = rng.normal(0, 1, (4000, 5))
    signal[np.arange(4000), labels] += 2
    logits = 2 * signal  # of normal signals that far apart, this is the exact log-likelihood
    scores = 1 / (1 + (1 + distances) ** 2)
    assert fit_softening(logits, labels, scores, 1.0) < 0.05, "they are calibrated as they are"
    sure = logits * (1 + 0.7 * distances)[:, np.newaxis]
    assert fit_softening(sure, labels, scores, 1.0) == pytest.approx(0.7, abs=0.1)


def test_temperature_never_sharpens(predictions):
    labels, logits = predictions
    assert fit_temperature(logits / 10, labels) == 1


def test_weights_that_cannot_be_fetched_may_be_given(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise DownloadError("It could not be fetched.")

    monkeypatch.setattr(weights, "download", fail)
    monkeypatch.setattr(weights, "CACHE", tmp_path)
    with pytest.raises(weights.WeightsError, match=r"could not be fetched.*--weights"):
        weights.find_weights()


def test_only_known_or_trusted_weights_are_used(tmp_path):
    path = tmp_path / "mine.h5"
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    with pytest.raises(weights.WeightsError, match="not a known weights file"):
        weights.find_weights(path)
    assert weights.find_weights(path, sha256=digest).sha256 == digest
    with pytest.raises(weights.WeightsError, match="cannot be read"):
        weights.find_weights(tmp_path / "absent.h5")


@pytest.mark.realdata
def test_the_real_sets_are_as_described(real_data):
    counts = {split: len(read_set(real_data, "pbc", split)) for split in ("train", "val", "test")}
    assert counts == {"train": 3000, "val": 500, "test": 1500}
    digests = {split: {s.sha256 for s in read_set(real_data, "pbc", split)} for split in counts}
    assert not digests["train"] & digests["test"]
    assert not digests["train"] & digests["val"]
    assert not digests["val"] & digests["test"]
    assert len(read_set(real_data, "bccd_fields")) == 348
    assert len(read_single_cells(real_data)) == 341
    assert all(len(sample.rgb().shape) == 3 for sample in read_set(real_data, "pbc", "val")[:20])
