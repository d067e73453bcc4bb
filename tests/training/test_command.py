"""Runs from the shell, and the pictures that they leave behind."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from classifier.clock import database_now
from training import claiming, folder
from training.models import TrainingJob

pytestmark = pytest.mark.django_db


def test_a_run_is_queued_from_the_shell(data_set):
    said = StringIO()
    call_command("start_training", "ours-1", data_set=["drawn"], epochs=3, stdout=said)
    job = TrainingJob.objects.get()
    assert (job.model_id, job.kind, job.asked_by) == ("ours-1", "transfer", None)
    assert job.options["epochs"] == 3
    assert str(job.public_id) in said.getvalue()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param({}, "Choose at least one data set", id="none"),
        pytest.param({"data_set": ["nowhere"]}, "not ready any more", id="unknown"),
        pytest.param({"data_set": ["drawn"], "epochs": 0}, "Epochs: ", id="epochs"),
        pytest.param({"data_set": ["drawn"], "start": "nobody"}, "no model nobody", id="start"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(data_set, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("start_training", "ours-1", **arguments)
    assert not TrainingJob.objects.exists()


def test_the_same_again_is_refused(data_set):
    call_command("start_training", "ours-1", data_set=["drawn"], stdout=StringIO())
    with pytest.raises(CommandError, match="on its way already"):
        call_command("start_training", "ours-2", data_set=["drawn"])


def test_pictures_of_a_run_that_ended_long_ago_are_removed(start, settings, tmp_path):
    settings.TRAINING_DIR = tmp_path
    old, new = start("old"), start("new", epochs=9)
    for job in (old, new):
        (folder.folder_of(job) / "data" / "drawn").mkdir(parents=True)
        (folder.folder_of(job) / "run").mkdir()
        claiming.stopped(claiming.claim_next())
    TrainingJob.objects.filter(pk=old.pk).update(
        finished_at=database_now(plus_seconds=-folder.KEPT_SECONDS - 1)
    )
    folder.forget_old()
    assert not (folder.folder_of(old) / "data").exists()
    assert (folder.folder_of(old) / "run").exists()
    assert (folder.folder_of(new) / "data").exists()
