"""What is done with a trained run: its int8 sister, speed, card and report."""

import json
import re
import shutil
from io import StringIO

import cv2
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from classifier.inference import load_manifest, load_model
from classifier.inference.own_png import open_own
from ml.benchmark import best_rates, stored, stored_pictures
from ml.tables import figure
from tests.inference.conftest import write_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(trained, discs, tmp_path_factory):
    """A copy of the trained run, with an evaluated int8 model and measured speed."""
    copy = tmp_path_factory.mktemp("tools") / "tiny"
    shutil.copytree(trained[0], copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml.management.commands.export_model.find_weights", lambda *_, **__: None)
        common = {"data": str(discs), "stdout": StringIO()}
        call_command("export_model", run_dir=copy, precision="int8", id="tiny-int8", **common)
        call_command("evaluate_model", run_dir=copy, model=copy / "model-int8", limit=3, **common)
        call_command("benchmark_model", run_dir=copy, rounds=1, pictures=3, threads=1, **common)
    return copy


def call(name: str, *arguments: object, **options: object) -> str:
    said = StringIO()
    call_command(name, *map(str, arguments), stdout=said, **options)
    return said.getvalue()


def test_an_int8_model_of_a_run_is_an_artefact_of_its_own(run):
    one, other = load_manifest(run / "model"), load_manifest(run / "model-int8")
    assert (one.precision, other.precision) == ("f32", "int8")
    assert other.metrics["pbc/test"]["cells"] == 15
    assert one.metrics["pbc/test"]["cells"] == 30, "the run's own model keeps its figures"
    compared = json.loads((run / "model-int8" / "parity.json").read_text())
    assert compared["reference"] == "Keras in float32"
    assert compared["mean_probability_difference"] < 0.1
    assert (run / "evaluations" / "model-int8" / "report.html").is_file()
    assert (run / "model-int8" / "graph.bin").stat().st_size < 0.6 * (
        run / "model" / "graph.bin"
    ).stat().st_size


def test_its_card_says_what_it_is_and_how_sure_each_figure_is(run):
    card = (run / "model-int8" / "MODEL_CARD.md").read_text()
    metrics = json.loads((run / "model-int8" / "metrics.json").read_text())
    for phrase in (
        "arithmetic int8",
        "### Quantisation",
        "### Against Keras in float32",
        "### Speed",
        "8-bit arithmetic is rounded differently",
        figure(metrics["sets"]["bccd whole fields"], "accuracy"),
    ):
        assert phrase in card
    for name in (
        *("accuracy", "balanced accuracy", "macro-F1", "loss", "ECE", "Brier", "abstained"),
        *("error, surest 80 % answered", "other cells: all", "no blood: all"),
    ):
        row = re.search(rf"\| {re.escape(name)} \|.*", card)[0]
        assert re.search(r"\(\d[\d.%]*–\d[\d.%]*\)", row), name


def test_a_card_is_printed_and_written_again_with_its_hashes(run):
    before = load_manifest(run / "model").sha256
    card = (run / "model" / "MODEL_CARD.md").read_text()
    assert call("model_card", run).strip() == card.strip(), "nothing has changed since"
    (run / "model" / "benchmark.json").unlink()
    with pytest.raises(CommandError, match=r"benchmark\.json is missing"):
        call("model_card", run)
    from ml.export import rewrite_manifest

    rewrite_manifest(run / "model")
    assert "### Speed" not in call("model_card", run)
    said = call("model_card", run, write=True)
    manifest = load_manifest(run / "model")
    assert manifest.sha256 in said
    assert manifest.sha256 != before
    assert "### Speed" not in (run / "model" / "MODEL_CARD.md").read_text()


def test_a_card_needs_an_evaluated_model(tmp_path):
    directory = write_model(tmp_path / "bare")
    with pytest.raises(CommandError, match=r"has no config\.json; evaluate_model makes it"):
        call("model_card", directory)
    with pytest.raises(CommandError, match="no model 'nothing'"):
        call("model_card", "nothing")


def test_speed_is_kept_beside_each_model_of_the_run(run):
    row = json.loads((run / "model-int8" / "benchmark.json").read_text())
    assert row["precision"] == row["computed"] == "int8"
    assert row["model"] == "tiny-int8"
    assert row["threads"] == 1
    assert row["machine"]["processor"]
    assert "FP32" in row["machine"]["capabilities"]
    positive = ("engine", "pipeline", "latency_p50_ms", "ready_s", "resident_mb", "size_mb")
    assert all(row[name] > 0 for name in positive)
    assert row["latency_p50_ms"] <= row["latency_p95_ms"]
    assert "benchmark.json" in load_manifest(run / "model-int8").files


def test_several_models_and_precisions_are_compared(run, monkeypatch):
    monkeypatch.delenv("TELEHEME_DATA", raising=False)
    options = {"rounds": 1, "pictures": 2, "threads": 1}
    models = [run / "model-int8", run / "model"]
    precisions = ["f32", "bf16"]
    found = json.loads(call("benchmark_model", *models, precision=precisions, json=True, **options))
    rows = [(row["model"], row["precision"]) for row in found["models"]]
    assert rows == [("tiny-int8", "int8"), ("tiny", "f32"), ("tiny", "bf16")]
    table = call("benchmark_model", run / "model", **options)
    assert re.search(r"^tiny +f32 +\d+\.\d", table, re.MULTILINE)
    assert "the best of 1 rounds" in table
    assert "Next:" in table


def test_what_cannot_be_measured_is_said(run, tmp_path):
    with pytest.raises(CommandError, match="no model 'nothing'"):
        call("benchmark_model", "nothing")
    with pytest.raises(CommandError, match="run export_model first"):
        call("benchmark_model", run_dir=tmp_path)
    with pytest.raises(CommandError, match="must be 1 or more"):
        call("benchmark_model", run / "model", rounds=0)
    with pytest.raises(CommandError, match="in its own precision"):
        call("benchmark_model", run_dir=run, precision=["f32"])


def test_pictures_are_stored_as_the_product_stores_them():
    picture = np.random.default_rng(1).integers(0, 256, (300, 370, 3), dtype=np.uint8)
    data = stored(picture)
    assert (open_own(data) == picture).all(), "the quick way in, which the worker takes"
    assert (cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) == picture).all()
    drawn = stored_pictures(None, 3)
    assert len({open_own(each).tobytes() for each in drawn}) == 3


def test_works_take_turns():
    turns = []
    rates = best_rates(lambda: turns.append("a") or 2, lambda: turns.append("b") or 4, rounds=3)
    assert turns == ["a", "b"] * 3
    assert len(rates) == 2


def test_the_report_is_one_page_with_everything_in_it(run):
    page = (run / "report.html").read_text()
    assert page.count("data:image/png;base64,") == page.count("<img ") >= 12
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page), "nothing is fetched"
    found = json.loads((run / "metrics.json").read_text())
    assert figure(found["sets"]["pbc/test"], "macro_f1") in page
    for title in ("By class", "Risk and coverage", "Learning curves", "Wrong", "ROC curves"):
        assert title.lower() in page.lower()


def test_a_directory_without_a_run_is_measured_and_left_alone(run, discs, tmp_path):
    directory = shutil.copytree(run / "model", tmp_path / "alone")
    before = load_manifest(directory).sha256
    out = tmp_path / "report"
    said = call("evaluate_model", model=directory, to=out, data=str(discs), limit=2)
    assert load_manifest(directory).sha256 == before
    assert (out / "report.html").is_file()
    assert (out / "metrics.json").is_file()
    assert "give --publish" in said
    call("evaluate_model", model=directory, to=out, publish=True, data=str(discs), limit=2)
    assert load_manifest(directory).metrics["pbc/test"]["cells"] == 10
    assert load_model(directory, threads=1).manifest.sha256 != before


def test_where_a_report_cannot_go_is_said(run, discs, tmp_path):
    with pytest.raises(CommandError, match="a run has its places"):
        call("evaluate_model", run_dir=run, to=tmp_path, data=str(discs))
    with pytest.raises(CommandError, match="another folder than the model's"):
        call("evaluate_model", model=run / "model", to=run / "model", data=str(discs))
    bare = write_model(tmp_path / "bare")
    with pytest.raises(CommandError, match=r"has no config\.json"):
        call("evaluate_model", model=bare, publish=True, data=str(discs))
    with pytest.raises(CommandError, match=r"manifest\.json is missing"):
        call("evaluate_model", model=tmp_path, data=str(discs))
