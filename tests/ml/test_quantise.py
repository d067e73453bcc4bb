"""Int8: the convolutions in integers, everything behind them in float, accuracy under control."""

import json
import os
import subprocess
import sys
from io import StringIO

import numpy as np
import openvino as ov
import pytest
from django.core.management import CommandError, call_command

from classifier.inference import ModelError, load_manifest, load_model
from ml.data import read_set
from ml.quantise import kept_in_float, quantise
from ml.variants import make_variant
from tests.inference.conftest import SIZE, write_model

CONVOLUTIONS = 2
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:nncf")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "tiny", precision="bf16")


@pytest.fixture(scope="module")
def int8(source, discs):
    """The int8 variant of the small model, and what was said of making it."""
    said, target = StringIO(), source.parent / "tiny-int8"
    call_command(
        "export_model", model=source, to=target, precision="int8", max_drop=1, data=str(discs),
        stdout=said,
    )  # fmt: skip
    return target, said.getvalue()


@pytest.fixture(scope="module")
def pictures(discs):
    return [sample.rgb() for sample in read_set(discs, "pbc", "test")[:6]]


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(8)
    pixels = rng.integers(0, 256, (24, SIZE, SIZE, 3), dtype=np.uint8)
    return [(crop, label % 5) for label, crop in enumerate(pixels)]


def test_every_convolution_is_in_integers_and_the_command_says_so(int8):
    target, said = int8
    done = json.loads((target / "quantisation.json").read_text())
    assert done["in_integers"] == done["convolutions"] == CONVOLUTIONS
    assert "2 of 2 convolutions are in integers" in said
    assert f"evaluate_model --model {target} --publish" in said
    assert done["calibration_cells"] == 60
    assert done["validation_cells"] == 30


def test_it_never_sees_a_test_picture(source, discs, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "ml.variants.read_set", lambda *names: asked.append(names[1:]) or read_set(*names)
    )
    make_variant(source, tmp_path / "x", precision="int8", model_id="x", data=discs, max_drop=1)
    assert asked == [("pbc", "train"), ("pbc", "val")]


def test_nothing_behind_the_last_convolution_is_quantised(int8):
    graph = ov.Core().read_model(int8[0] / "graph.xml")
    quantisers = [node for node in graph.get_ops() if node.get_type_name() == "FakeQuantize"]
    assert quantisers
    for node in quantisers:
        below, kinds = [node], set()
        while below:
            for port in (p for out in below.pop().outputs() for p in out.get_target_inputs()):
                kinds.add(port.get_node().get_type_name())
                if port.get_node().get_type_name() != "Convolution":
                    below.append(port.get_node())
        assert "Convolution" in kinds
    float_kinds = {"MatMul", "ReduceMean", "Softmax", "Interpolate", "Divide"}
    names = kept_in_float(graph)
    kept = {node.get_type_name() for node in graph.get_ops() if node.get_friendly_name() in names}
    assert float_kinds <= kept
    assert "Convolution" not in kept


def test_maps_still_add_up_to_the_logits(int8, pictures):
    model = load_model(int8[0], threads=1)
    for picture in pictures:
        raw = model.start(model.prepare(picture)).result()
        sums = raw.cams.astype(np.float64).mean(axis=(0, 1)) + model.manifest.bias
        assert np.abs(sums - raw.logits).max() < 1e-4 * max(1.0, np.abs(raw.cams).max())
        assert raw.probabilities.sum() == pytest.approx(1, abs=1e-6)


def test_it_is_near_to_what_it_was_made_from(int8, source, pictures):
    model, before = load_model(int8[0], threads=1), load_model(source, threads=1, precision="f32")
    for picture in pictures:
        one, other = (each.classify(picture).probabilities for each in (model, before))
        assert np.abs(np.subtract(one, other)).max() < 0.1
    compared = json.loads((int8[0] / "parity.json").read_text())
    assert compared["reference"] == "the graph it was made from in float32"
    assert compared["mean_probability_difference"] < 0.05


def test_manifest_and_results_say_int8_and_the_rest_is_that_of_the_source(int8, source, pictures):
    manifest, before = load_manifest(int8[0]), load_manifest(source)
    assert manifest.precision == "int8"
    assert manifest.id == "tiny-int8"
    assert manifest.thresholds == before.thresholds
    assert manifest.temperature == before.temperature
    assert manifest.sha256 != before.sha256
    assert {"quantisation.json", "parity.json"} <= set(manifest.files)
    assert load_model(int8[0], threads=1).classify(pictures[0]).precision == "int8"


def test_the_graph_still_takes_pictures_of_any_size(int8):
    graph = ov.Core().compile_model(int8[0] / "graph.xml", "CPU")
    picture = np.zeros((2, SIZE * 2, SIZE * 2, 3), np.uint8)
    assert graph(picture)["probabilities"].shape == (2, 5)


def test_where_validation_falls_too_far_layers_go_back_to_float(source, cells):
    crops = [crop for crop, _ in cells]
    _, loose = quantise(source / "graph.xml", SIZE, crops, cells, 1.0)
    _, strict = quantise(source / "graph.xml", SIZE, crops, cells, -1.0)
    assert loose["in_integers"] == CONVOLUTIONS
    assert strict["in_integers"] < CONVOLUTIONS


def test_a_model_of_another_arithmetic_shares_the_graph(source, tmp_path, discs):
    arguments = {"precision": "f32", "model_id": "f", "data": discs, "max_drop": 0}
    assert make_variant(source, tmp_path / "f32", **arguments) is None
    one, other = load_manifest(source), load_manifest(tmp_path / "f32")
    assert other.precision == "f32"
    assert other.files["graph.bin"] == one.files["graph.bin"]
    assert not other.metrics


def test_what_cannot_be_is_said(int8, source, discs, tmp_path):
    arguments = {"data": str(discs), "precision": "int8"}
    with pytest.raises(CommandError, match="start from the float one"):
        call_command("export_model", model=int8[0], to=tmp_path / "x", **arguments)
    with pytest.raises(CommandError, match="a folder of its own"):
        call_command("export_model", model=source, to=source, **arguments)
    with pytest.raises(CommandError, match="needs --precision and --to"):
        call_command("export_model", model=source, data=str(discs))
    with pytest.raises(CommandError, match="--to goes with --model"):
        call_command("export_model", run_dir=tmp_path, to=tmp_path / "x", data=str(discs))
    with pytest.raises(ModelError, match="is int8, not f32"):
        load_model(int8[0], precision="f32")


def test_its_makers_are_told_nothing(tmp_path):
    """In a process of its own, because NNCF is silent under pytest anyway."""
    code = (
        "import sys\n"
        "import ml.quantise, nncf\n"
        "from classifier.inference import find_model, load_model\n"
        "load_model(find_model(), threads=1)\n"
        "assert not [name for name in sys.modules if name.startswith('openvino_telemetry.')]\n"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("CI", None)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, env=environment)
    assert not list(tmp_path.iterdir()), "nor is anything written down for later"
