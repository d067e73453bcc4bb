"""Accuracy against speed, and what each step of the recipe brings."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from ml import ablation
from ml.config import ConfigError
from ml.front import Point, table
from tests.ml.conftest import TINY

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's variables do not know NumPy 2's copy argument yet.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]


@pytest.fixture
def no_weights(monkeypatch):
    for name in ("compare_sizes", "ablate_model"):
        monkeypatch.setattr(f"ml.management.commands.{name}.find_weights", lambda *_, **__: None)


def test_one_network_is_measured_at_several_sizes(trained, discs, no_weights):
    run, _ = trained
    said = StringIO()
    call_command("compare_sizes", run_dir=run, sizes=[80, 96], data=str(discs), stdout=said)
    points = [Point(**point) for point in json.loads((run / "front.json").read_text())]
    measured = [(point.input_size, point.views) for point in points]
    assert measured == [(80, 1), (96, 1), (96, 2), (96, 4)]
    _, one, two, four = points
    assert one.images_per_second == pytest.approx(2 * two.images_per_second)
    assert one.images_per_second == pytest.approx(4 * four.images_per_second)
    assert table(points) in said.getvalue()
    assert (run / "figures" / "front.png").stat().st_size > 10_000


def test_sizes_that_the_network_cannot_take_are_refused(trained, discs):
    with pytest.raises(CommandError, match="75 to 512"):
        call_command("compare_sizes", run_dir=trained[0], sizes=[20], data=str(discs))


def test_the_steps_of_the_recipe_are_runs_that_start_from_each_other():
    steps = {step.folder: step for step in ablation.read_steps()}
    assert all(step.source in {"", *steps} for step in steps.values())
    assert steps["3"].unlabelled
    assert steps["3"].options["other_share"] > steps["2"].options["other_share"] == 0


def test_steps_are_trained_once_and_measured_alike(discs, tmp_path, no_weights, monkeypatch):
    tiny = {name: value for name, value in TINY.items() if name not in {"views", "levels"}}
    tiny |= {"levels": ["mixed0"], "limit": 6, "epochs": 2}
    common = {"runs": tmp_path, "data": str(discs), "stdout": StringIO(), **tiny}
    call_command("ablate_model", only=["centre"], **common)
    monkeypatch.setattr("ml.train.train", lambda *_, **__: pytest.fail("it was trained already"))
    call_command("ablate_model", only=["centre"], **common)
    (row,) = json.loads((tmp_path / "ablation.json").read_text())
    assert row["what"] == "frozen network, middle of the picture"
    assert 0 <= row["bccd_abstained"] <= 1
    assert row["images_per_second"] > 0
    assert row["what"] in (tmp_path / "ablation.md").read_text()


def test_a_step_that_is_none_is_named(discs, tmp_path):
    with pytest.raises(CommandError, match="sideways"):
        call_command("ablate_model", only=["sideways"], runs=tmp_path, data=str(discs))


@pytest.mark.parametrize("text", ["", "step = 3", "[[step]]\nwhat = 'no folder'", "not toml"])
def test_a_file_of_steps_that_is_none_is_said(tmp_path, text):
    path = tmp_path / "steps.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="steps of an ablation"):
        ablation.read_steps(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        ablation.read_steps(tmp_path / "absent.toml")
