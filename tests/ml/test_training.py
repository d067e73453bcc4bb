"""The whole way from pictures to an evaluated model directory, by the commands themselves."""

import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from classifier.inference import CLASSES, load_model
from ml.config import TrainConfig, load_config
from ml.data import read_set
from ml.head import read_history
from ml.runs import load_calibration, load_head


def test_a_run_leaves_one_folder_with_everything(trained):
    run, said = trained
    for name in [
        "config.json",
        "split.csv",
        "history.csv",
        "head.npz",
        "indist.npz",
        "calibration.json",
        "metrics.json",
        "report.md",
        "report.html",
        "figures/learning_curves.png",
        "figures/confusion_matrix.png",
        "figures/reliability.png",
        "figures/samples_right.png",
        "figures/roc.png",
        "figures/precision_recall_bccd.png",
        "model/manifest.json",
        "model/graph.bin",
        "model/MODEL_CARD.md",
        "model/config.json",
        "model/history.csv",
        "model/metrics.json",
        "model/parity.json",
        "model/figures/risk_coverage.png",
    ]:
        assert (run / name).stat().st_size > 0, name
    assert said.count("Next: ") == 3


def test_it_learns(trained):
    run, _ = trained
    history = read_history(run / "history.csv")
    assert history[-1]["loss"] < history[0]["loss"] / 2
    found = json.loads((run / "metrics.json").read_text())
    assert found["sets"]["pbc/test"]["accuracy"] >= 0.9
    assert set(found["sets"]) == {
        "pbc/val",
        "pbc/test",
        "bccd single cells, cut by their boxes",
        "bccd whole fields",
    }
    assert found["sets"]["bccd whole fields"]["cells"] == 5, "two cells in one field are left out"


def test_the_configuration_is_saved_with_what_the_run_rests_on(trained):
    run, _ = trained
    config = load_config(run / "config.json")
    assert config.input_size == 96
    assert config.levels == ("mixed0", "mixed1")
    facts = json.loads((run / "config.json").read_text())
    assert set(facts["data"]) == {"pbc/train", "pbc/val"}
    assert facts["counts"] == {"pbc/train": 60, "pbc/val": 30}
    assert {"code_version", "libraries", "python", "weights"} <= set(facts)
    assert facts["options"]["seed"] == TrainConfig().seed


def test_no_test_picture_takes_part(trained, discs):
    run, _ = trained
    text = (run / "split.csv").read_text()
    test = read_set(discs, "pbc", "test")
    assert len(test) == 30
    assert not [sample.name for sample in test if sample.name in text]


def test_the_served_graph_agrees_with_keras(trained):
    run, _ = trained
    compared = json.loads((run / "model" / "parity.json").read_text())
    assert compared["pictures"] > 20
    assert compared["same_label"] == 1
    assert compared["largest_probability_difference"] < 0.01


def test_features_and_head_give_what_is_served(trained, discs):
    """Training and serving must not drift apart."""
    run, _ = trained
    model, head, calibration = load_model(run / "model"), load_head(run), load_calibration(run)
    for sample in read_set(discs, "pbc", "val")[:8]:
        raw = model.start(model.prepare(sample.rgb())).result()
        logits = head.logits(raw.features[np.newaxis])[0]
        assert np.allclose(raw.logits, logits, rtol=1e-3, atol=1e-3)
        sums = raw.cams.mean(axis=(0, 1)) + model.manifest.bias
        assert np.allclose(sums, raw.logits, rtol=1e-4, atol=1e-3)
    assert model.manifest.temperature == calibration.temperature


def test_about_the_allowed_share_of_validation_cells_abstains(trained):
    run, _ = trained
    found = json.loads((run / "metrics.json").read_text())
    assert found["sets"]["pbc/val"]["abstained"] <= 0.2  # 30 cells: 4 % and 1 % are up to two each


def test_the_manifest_carries_the_headline_figures(trained):
    run, _ = trained
    manifest = load_model(run / "model").manifest
    assert manifest.classes == CLASSES
    assert manifest.metrics["pbc/test"]["cells"] == 30
    assert not list((run / "model" / "figures").glob("samples*")), "no picture of a data set ships"


def test_a_second_run_with_the_same_seed_is_the_same_and_uses_the_cached_features(
    trained, discs, monkeypatch, tmp_path
):
    from ml import features, train

    run, _ = trained
    monkeypatch.setattr(
        features.Extractor, "_crops", lambda *_: pytest.fail("features were computed again")
    )
    again = tmp_path / "again"
    config = load_config(run / "config.json")
    head, calibration = train.train(config, discs, None, again, cache=run.parent / ".features")
    assert np.allclose(head.kernel, load_head(run).kernel, atol=1e-4)
    assert calibration.temperature == pytest.approx(load_calibration(run).temperature, rel=0.01)


def test_export_without_a_run_says_what_to_do(tmp_path):
    with pytest.raises(CommandError, match="run train_model first"):
        call_command("export_model", run_dir=tmp_path)


def test_training_without_data_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("TELEHEME_DATA", raising=False)
    with pytest.raises(CommandError, match=r"--data FOLDER"):
        call_command("train_model", run_dir=tmp_path)
    with pytest.raises(CommandError, match="has no pbc"):
        call_command("train_model", run_dir=tmp_path, data=str(tmp_path))
