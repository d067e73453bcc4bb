"""A run from data set to candidate by the processes that do it, one of which is killed on the way."""

import json
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from classifier import examination
from classifier.choices import ModelState
from classifier.gate import LOCKED
from classifier.registry import model_activate, model_directory, model_register
from ml.head import read_history
from tests.servers.candidates import write_candidate
from tests.training.sets import ready_set
from training import claiming, folder, running
from training.baselines import said_by
from training.choices import JobState
from training.models import TrainingJob
from training.services import training_start

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(1200)]

TINY = {
    "input_size": 96, "levels": ["mixed0"], "precision": "f32", "frozen_through": "", "views": 0,
    "val_views": 0, "epochs": 6, "learning_rate": 0.003, "components": 4, "fine_tune_epochs": 3,
    "views_per_epoch": 64, "fine_tune_batch": 8, "averaging": 0.8, "tensorboard": True,
    "dropout": 0.0,  # its draws are not kept with a checkpoint; everything else is
}  # fmt: skip
DEADLINE = 600  # seconds; a loaded machine is slow


@pytest.fixture(autouse=True)
def place(settings, tmp_path):
    """Models, pictures and runs of this test alone; weights that nobody trained."""
    settings.MODEL_DIRS = [tmp_path / "models"]
    settings.TRAINING_DIR = tmp_path / "training"
    settings.TRAINING_WEIGHTS = "random"
    settings.TRAINING_LOCKED_DATA = ""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media"},
        },
    }
    return tmp_path


def tell_when(place: Path, condition) -> threading.Thread:
    """A thread that kills the training process with SIGKILL once the condition on what it told
    holds, and that is joined by the test."""

    def watch() -> None:
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            with suppress(OSError, ValueError, psutil.NoSuchProcess, StopIteration):
                if condition(json.loads((place / folder.PROGRESS).read_text())):
                    children = psutil.Process().children(recursive=True)
                    next(c for c in children if str(place) in c.cmdline()).kill()
                    return
            time.sleep(0.02)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def fine_tuned(place: Path) -> list[dict]:
    """The epochs of fine-tuning of a job that nobody interrupts; what follows them is left out."""
    process = subprocess.Popen([*running.COMMAND, str(place)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + DEADLINE
    try:
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError, ValueError, KeyError, TypeError):
                rows = read_history(place / "run" / "history.csv")
                if (found := [row for row in rows if row["phase"] == "fine-tuning"])[2:]:
                    return found
            time.sleep(0.1)
        raise AssertionError("the reference came to no end")
    finally:
        process.kill()
        process.wait()


@pytest.mark.local_shape
def test_a_run_killed_in_the_middle_of_an_epoch_goes_on_and_ends_as_if_it_had_not_been(
    place, people, settings
):
    write_candidate(place / "models" / "reads-now")
    active = model_activate(version=model_register(directory=place / "models" / "reads-now"))
    data_set = ready_set(counts={"train": 6, "val": 3, "test": 4}, pictures=True)
    job = training_start(
        actor=people.administrator, kind="fine-tuning", data_sets=[data_set], options=TINY,
        model_id="ours-1",
    )  # fmt: skip
    run = folder.folder_of(job)

    # In the second epoch, after its first batches.
    killer = tell_when(run, lambda told: told.get("epoch") == 2 and 10 <= told["done"] < 15)
    assert running.run_next() == job
    killer.join(timeout=10)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 1), job.error + job.log
    assert [row["epoch"] for row in job.history if row["phase"] == "fine-tuning"] == [1]

    reference = shutil.copytree(run, place / "reference")
    shutil.rmtree(reference / "run")
    expected = fine_tuned(reference)
    assert running.run_next() == job
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.error + job.log

    rows = [row for row in job.history if row["phase"] == "fine-tuning"]
    assert [row["epoch"] for row in rows] == [1, 2, 3], "no epoch is missing or there twice"
    for row, other in zip(rows, expected, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=0.01), (row, other)
        assert row["val_loss"] == pytest.approx(other["val_loss"], rel=0.01), (row, other)

    version = job.version
    assert version.state == ModelState.CANDIDATE
    assert version.registered_by == people.administrator
    directory = model_directory(version)
    for name in ("config.json", "split.csv", "history.csv", "calibration.json", "predictions.csv",
                 "golden.json", "MODEL_CARD.md", "metrics.json", "figures/learning_curves.png"):  # fmt: skip
        assert (directory / name).stat().st_size, name
    assert "drawn/train" in (directory / "MODEL_CARD.md").read_text()
    assert list((run / "run" / "tensorboard").rglob("events.out.tfevents.*"))
    assert not (run / "data").exists(), "pictures do not stay on the worker"
    assert running.run_next() is None

    # The model that reads now was asked about the same cells, so that the gate can compare.
    assert set(said_by(active)) == {"drawn/test"}
    settings.GATE_SETS = {"test": "*/test", "other": "", "outside": ""}
    found = {finding.code: finding for finding in examination.examine(version, active)}
    assert found[LOCKED].sentence == "Both were measured on the same 20 cells of one locked set."
    assert found["other"].passed is None
    settings.GATE_SETS = {"test": "pbc/test", "other": "", "outside": ""}
    found = {finding.code: finding for finding in examination.examine(version, active)}
    assert found[LOCKED].passed is False
    assert "not measured on the locked set pbc/test" in found[LOCKED].sentence


def test_options_that_are_none_fail_with_a_sentence(place, people):
    data_set = ready_set(pictures=True)
    job = training_start(
        actor=people.administrator, kind="transfer", data_sets=[data_set],
        options={"learning_speed": 3}, model_id="ours-1",
    )  # fmt: skip
    running.run_next()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "learning_speed" in job.error
    assert job.history == []


def test_a_picture_that_is_gone_fails_the_run_with_its_reason(place, people):
    data_set = ready_set(pictures=True)
    shutil.rmtree(place / "media")
    training_start(
        actor=people.administrator, kind="transfer", data_sets=[data_set], options=TINY,
        model_id="ours-1",
    )  # fmt: skip
    running.run_next()
    job = TrainingJob.objects.get()
    assert job.state == JobState.FAILED
    assert job.error


def child(monkeypatch, code: str) -> None:
    """In place of the process that trains, one that does this."""
    monkeypatch.setattr(running, "COMMAND", ["python3", "-c", code])
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(running.folder, "prepare", lambda job, progress: _made(job))


def _made(job: TrainingJob) -> dict:
    folder.folder_of(job).mkdir(parents=True, exist_ok=True)
    return {}


SLEEPS = "import time; time.sleep(600)"


def test_a_stop_ends_the_process_and_the_run_is_stopped(start, monkeypatch):
    child(monkeypatch, SLEEPS)
    job = start()
    look = running._look

    def asked(claim, place):
        TrainingJob.objects.filter(pk=job.pk).update(stop_asked=True)
        look(claim, place)

    monkeypatch.setattr(running, "_look", asked)
    running.run_next()
    job.refresh_from_db()
    assert job.state == JobState.STOPPED
    assert not [p for p in psutil.Process().children() if SLEEPS in p.cmdline()]


def test_a_worker_that_is_to_end_gives_the_run_back(start, monkeypatch):
    child(monkeypatch, SLEEPS)
    job = start()
    monkeypatch.setattr(running.worker, "ending", lambda: True)
    running.run_next()
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)


def test_a_worker_that_lost_its_lease_ends_its_process_and_writes_nothing(start, monkeypatch):
    child(monkeypatch, SLEEPS)
    job = start()
    monkeypatch.setattr(claiming, "seen", lambda claim, **facts: None)
    running.run_next()
    job.refresh_from_db()
    assert job.state == JobState.RUNNING, "as another worker left it"
    assert not [p for p in psutil.Process().children() if SLEEPS in p.cmdline()]


def test_what_a_process_said_last_is_the_reason_where_it_gave_none(start, monkeypatch):
    child(monkeypatch, "import sys; sys.exit('No space left on device')")
    job = start()
    running.run_next()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert job.error.endswith("No space left on device")
