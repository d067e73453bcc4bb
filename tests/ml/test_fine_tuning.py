"""The second phase: the convolutions move too, stop, go on, and end in a served model."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from classifier.inference import load_model
from ml.attribute_heads import train_attribute_heads
from ml.attributes import WIDTH, read_attributes
from ml.config import TrainConfig, load_config
from ml.data import read_set
from ml.head import read_history
from ml.runs import load_head

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's variables do not know NumPy 2's copy argument yet.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]

SHORT = {"fine_tune_epochs": 2, "views_per_epoch": 48, "fine_tune_batch": 16, "frozen_through": ""}


@pytest.fixture(scope="module")
def tuned(trained, discs, tmp_path_factory):
    """A fine-tuned and exported run, and what the commands printed."""
    source, _ = trained
    run, said = source.parent / "tuned", StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fine_tune_model", "export_model"):
            patch.setattr(f"ml.management.commands.{name}.find_weights", lambda *_, **__: None)
        common = {"run_dir": run, "data": str(discs), "stdout": said}
        call_command("fine_tune_model", **common, source=source, unlabelled="pbc_other", **SHORT)
        call_command("export_model", **common, id="tuned")
    return run, said.getvalue()


def test_options_not_given_are_those_of_the_run_before(tuned, trained):
    run, _ = tuned
    config, before = load_config(run / "config.json"), load_config(trained[0] / "config.json")
    assert config.fine_tune_epochs == 2
    assert config.input_size == before.input_size
    assert config.levels == before.levels


def test_history_has_both_phases(tuned, trained):
    rows = read_history(tuned[0] / "history.csv")
    assert [row["epoch"] for row in rows if row["phase"] == "fine-tuning"] == [1, 2]
    heads = [row for row in rows if row["phase"] == "head"]
    assert heads == read_history(trained[0] / "history.csv")


def test_the_convolutions_moved_and_batch_normalisation_did_not(tuned):
    import keras

    from ml.network import backbone
    from ml.runs import load_backbone

    config = load_config(tuned[0] / "config.json")
    before, after = backbone(config, None), backbone(config, None)
    load_backbone(tuned[0], after)
    moved = {keras.layers.Conv2D: [], keras.layers.BatchNormalization: []}
    for old, new in zip(before.layers, after.layers, strict=True):
        if type(old) in moved:
            pairs = zip(old.get_weights(), new.get_weights(), strict=True)
            moved[type(old)].append(any((a != b).any() for a, b in pairs))
    assert all(moved[keras.layers.Conv2D])
    assert not any(moved[keras.layers.BatchNormalization])


def test_the_served_graph_has_the_tuned_network(tuned, discs):
    run, _ = tuned
    compared = json.loads((run / "model" / "parity.json").read_text())
    assert compared["largest_probability_difference"] < 0.01
    model = load_model(run / "model")
    result = model.classify(read_set(discs, "pbc", "val")[0].rgb(), keep_features=True)
    assert result.attributes == (), "of these cells no attribute is known"
    logits = load_head(run).logits(result.features[np.newaxis])[0]
    assert int(logits.argmax()) == model.manifest.classes.index(result.label)


def test_attributes_that_the_features_show_are_learnt():
    rng = np.random.default_rng(2)
    features = rng.normal(0, 3, (400, 12)).astype(np.float32) + 5
    known = np.zeros((400, WIDTH), np.float32)
    big = features[:, 4] > 5
    known[np.arange(400), big.astype(int)] = 1  # cell_size: small, big
    known[:40] = 0
    config = TrainConfig(epochs=30, learning_rate=0.01, dropout=0.1, batch_size=32)
    kernel, bias = train_attribute_heads(config, features, known)
    found = (features @ kernel + bias)[:, :2].argmax(axis=1)
    assert (found == big).mean() > 0.95
    assert train_attribute_heads(config, features, np.zeros_like(known)) is None


def test_an_interrupted_run_goes_on_with_the_epoch_that_it_was_in(trained, discs, monkeypatch):
    from ml import fitting

    source, _ = trained
    run = source.parent / "interrupted"
    monkeypatch.setattr(
        "ml.management.commands.fine_tune_model.find_weights", lambda *_, **__: None
    )
    command = {"run_dir": run, "source": source, "data": str(discs), "stdout": StringIO(), **SHORT}
    begun, cut = [], [True]
    count = fitting.CountEpochs.on_epoch_begin

    def counted_or_cut(self, epoch, logs=None):
        if epoch == 1 and cut:
            raise KeyboardInterrupt
        begun.append(epoch)
        count(self, epoch, logs)

    monkeypatch.setattr(fitting.CountEpochs, "on_epoch_begin", counted_or_cut)
    with pytest.raises(KeyboardInterrupt):
        call_command("fine_tune_model", **command)
    cut.clear()
    call_command("fine_tune_model", **command)
    assert begun == [0, 1]
    epochs = [row["epoch"] for row in read_history(run / "history.csv") if row["phase"] != "head"]
    assert epochs == [1, 2], "no epoch is counted twice"
    assert not (run / "backup").exists()


def test_cells_without_attributes_have_none(discs):
    assert read_attributes(discs, read_set(discs, "pbc", "val")).sum() == 0


def test_what_is_missing_is_said(tmp_path, trained):
    with pytest.raises(CommandError, match="run train_model first"):
        call_command("fine_tune_model", source=tmp_path, run_dir=tmp_path / "x")
    with pytest.raises(CommandError, match="another folder"):
        call_command("fine_tune_model", source=trained[0], run_dir=trained[0])


def test_a_file_of_options_is_read_and_checked(tmp_path, trained):
    wrong = tmp_path / "options.toml"
    wrong.write_text("learning_speed = 3\n")
    arguments = {"source": trained[0], "run_dir": tmp_path / "x", "config": wrong}
    with pytest.raises(CommandError, match="learning_speed"):
        call_command("fine_tune_model", **arguments)
    wrong.write_text("not toml")
    with pytest.raises(CommandError, match="is not TOML"):
        call_command("fine_tune_model", **arguments)


def test_classes_count_the_same_however_rare():
    from ml.head import _class_weights

    labels = np.repeat([0, 2, 4], [10, 30, 60])
    weights = _class_weights(labels)
    assert set(weights) == {0, 2, 4}
    assert [weights[label] * (labels == label).sum() for label in (0, 2, 4)] == pytest.approx(
        [100 / 3] * 3
    )


def test_a_strategy_that_is_none_is_said(trained, discs, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "ml.management.commands.fine_tune_model.find_weights", lambda *_, **__: None
    )
    arguments = {"source": trained[0], "run_dir": tmp_path / "x", "data": str(discs)}
    with pytest.raises(CommandError, match="'sideways' is none of"):
        call_command("fine_tune_model", **arguments, distribute="sideways")


def test_a_run_on_all_devices_writes_what_tensorboard_reads_and_stops_early(
    trained, discs, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "ml.management.commands.fine_tune_model.find_weights", lambda *_, **__: None
    )
    run = tmp_path / "watched"
    options = {**SHORT, "fine_tune_epochs": 4, "fine_tune_rate": 1e-12, "fine_tune_patience": 1}
    call_command(
        "fine_tune_model", source=trained[0], run_dir=run, data=str(discs), stdout=StringIO(),
        distribute="mirrored", tensorboard=True, **options,
    )  # fmt: skip
    assert list((run / "tensorboard").rglob("events.out.tfevents.*"))
    epochs = [row["epoch"] for row in read_history(run / "history.csv") if row["phase"] != "head"]
    assert 1 < len(epochs) < 4, "nothing was learnt at that rate, so it need not go on"
