"""One network from several."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from ml.config import load_config
from ml.network import backbone
from ml.runs import load_backbone, load_head, save_backbone

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's variables do not know NumPy 2's copy argument yet.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]


@pytest.fixture
def no_weights(monkeypatch):
    monkeypatch.setattr("ml.management.commands.average_models.find_weights", lambda *_, **__: None)


def test_weights_and_heads_are_averaged_by_their_shares(trained, tmp_path, no_weights):
    run, _ = trained
    other, mean = tmp_path / "other", tmp_path / "mean"
    other.mkdir()
    for name in ("config.json", "history.csv", "head.npz"):
        (other / name).write_bytes((run / name).read_bytes())
    config = load_config(run / "config.json")
    doubled = backbone(config, None)
    doubled.set_weights([2 * value for value in doubled.get_weights()])
    save_backbone(other, doubled)
    call_command(
        "average_models", run / "model", other, run_dir=mean, shares=[3.0, 1.0], stdout=StringIO()
    )
    one, found = backbone(config, None), backbone(config, None)
    load_backbone(mean, found)
    for plain, value in zip(one.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_allclose(value, 1.25 * plain, rtol=2e-3, atol=1e-5)
    np.testing.assert_array_equal(load_head(mean).kernel, load_head(run).kernel)
    shares = [each["share"] for each in json.loads((mean / "config.json").read_text())["averaged"]]
    assert shares == [0.75, 0.25]


def test_what_cannot_be_averaged_is_said(trained, tmp_path, no_weights):
    model = trained[0] / "model"
    for sources, more, said in (
        ([model], {}, "two runs or more"),
        ([model, tmp_path], {}, "holds no fine-tuned network"),
        ([model, model], {"shares": [1.0]}, "one number a run"),
        ([model, model], {"run_dir": model}, "another folder"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("average_models", *sources, **{"run_dir": tmp_path / "x", **more})
