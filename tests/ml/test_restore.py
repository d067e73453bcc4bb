"""What ships is enough to go on from: the network comes back out of the served graph."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from classifier.inference import ModelError
from classifier.inference.manifest import load_manifest
from ml import restore
from ml.config import load_config
from ml.network import backbone
from ml.restore import is_model, restore_run
from ml.runs import load_backbone, load_head

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's variables do not know NumPy 2's copy argument yet.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]


def test_a_model_directory_is_told_from_a_run(trained):
    run, _ = trained
    assert is_model(run / "model")
    assert not is_model(run)


def test_network_and_head_come_back(trained, tmp_path):
    run, _ = trained
    restored = restore_run(run / "model", tmp_path / "restored", None)
    config = load_config(restored / "config.json")
    before, after = backbone(config, None), backbone(config, None)
    load_backbone(restored, after)
    for old, new in zip(before.get_weights(), after.get_weights(), strict=True):
        np.testing.assert_allclose(new, old, rtol=2e-3, atol=1e-5)
    np.testing.assert_array_equal(load_head(restored).kernel, load_head(run).kernel)
    np.testing.assert_array_equal(load_head(restored).bias, load_head(run).bias)


def test_another_networks_weights_are_noticed(trained, tmp_path, monkeypatch):
    run, _ = trained

    def shifted(config, weights):
        base = backbone(config, weights)
        # The parts that a graph does not hold apart from its biases.
        first = next(layer for layer in base.layers if "batch_norm" in layer.name)
        first.beta.assign(first.beta + 1)
        return base

    monkeypatch.setattr(restore, "backbone", shifted)
    with pytest.raises(ModelError, match="ImageNet weights"):
        restore_run(run / "model", tmp_path / "restored", None)
    assert not (tmp_path / "restored").exists()


def test_fine_tuning_starts_from_a_model_directory(trained, discs, tmp_path, monkeypatch):
    source = trained[0] / "model"
    run = tmp_path / "tuned"
    monkeypatch.setattr(
        "ml.management.commands.fine_tune_model.find_weights", lambda *_, **__: None
    )
    options = {"fine_tune_epochs": 1, "views_per_epoch": 16, "fine_tune_batch": 8}
    common = {"data": str(discs), "stdout": StringIO()}
    call_command("fine_tune_model", run_dir=run, source=source, **common, **options)
    facts = json.loads((run / "config.json").read_text())
    assert facts["started_from"]["sha256"] == load_manifest(source).sha256
    assert facts["views_seen"] == 16
    assert not (run / "source").exists(), "what was restored on the way is not part of the run"


def test_a_damaged_model_directory_is_refused(trained, discs, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "ml.management.commands.fine_tune_model.find_weights", lambda *_, **__: None
    )
    damaged = tmp_path / "model"
    damaged.mkdir()
    (damaged / "manifest.json").write_text("{}")
    arguments = {"source": damaged, "run_dir": tmp_path / "x", "data": str(discs)}
    with pytest.raises(CommandError, match=r"config\.json cannot be read"):
        call_command("fine_tune_model", **arguments)
    for name in ("config.json", "history.csv"):
        (damaged / name).write_bytes((trained[0] / name).read_bytes())
    with pytest.raises(CommandError, match="lacks a field"):
        call_command("fine_tune_model", **arguments)
    (damaged / "config.json").write_text('{"options": {"levels": [], "speed": 3}}')
    with pytest.raises(CommandError, match="speed"):
        call_command("fine_tune_model", **arguments)
