"""Starting, stopping and letting go on: what is refused, and what is written down."""

import pytest

from audit.models import AuditEvent
from classifier.inference import CLASSES
from datasets.choices import SetState
from patients.errors import DomainError
from tests.training.sets import ENOUGH, ready_set
from training.choices import JobState
from training.errors import TrainingRefused
from training.models import TrainingJob
from training.services import training_resume, training_start, training_stop

pytestmark = pytest.mark.django_db


def test_a_run_waits_and_is_in_the_record(start, people, data_set):
    job = start()
    assert job.state == JobState.QUEUED
    assert list(job.data_sets.all()) == [data_set]
    event = AuditEvent.objects.get(action="training.asked")
    assert event.actor == people.administrator
    assert event.data["data_sets"] == ["drawn"]


def test_the_worker_is_rung_for_once_it_is_committed(
    start, quiet, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        job = start()
        assert not quiet
    assert quiet == [job.pk]


def test_the_same_again_while_it_waits_is_refused(start):
    start("one")
    with pytest.raises(TrainingRefused, match="on its way already: one"):
        start("two")


def test_data_unchanged_nothing_to_retrain(start, registered):
    job = start("one")
    TrainingJob.objects.filter(pk=job.pk).update(
        state=JobState.DONE, version=registered, finished_at=job.asked_at
    )
    with pytest.raises(TrainingRefused, match="nothing to retrain: one was made from them"):
        start("two")
    assert start("two", epochs=3).state == JobState.QUEUED, "other options make another model"


def test_other_content_is_another_run(start, people):
    start("one")
    other = ready_set("other")
    job = training_start(
        actor=people.administrator, kind="transfer", data_sets=[other],
        options={"views": 0, "epochs": 2}, model_id="two",
    )  # fmt: skip
    assert job.state == JobState.QUEUED


def test_a_failed_run_does_not_count_as_made(start):
    job = start("one")
    TrainingJob.objects.filter(pk=job.pk).update(
        state=JobState.FAILED, error="It failed.", finished_at=job.asked_at
    )
    assert start("two").state == JobState.QUEUED


def test_a_name_that_a_model_or_a_run_has_is_refused(start, registered):
    with pytest.raises(TrainingRefused, match="There is a model"):
        start(registered.model_id.upper())
    start("one")
    with pytest.raises(TrainingRefused, match="choose another name"):
        start("one", epochs=7)
    assert TrainingJob.objects.count() == 1


def test_too_few_cells_are_named(people):
    few = ready_set("few", {**ENOUGH, "val": 1})
    with pytest.raises(TrainingRefused, match=r"basophil 1 of 2 in validation.*and 1 more"):
        training_start(
            actor=people.administrator, kind="transfer", data_sets=[few], options={}, model_id="x"
        )


def test_a_class_that_is_missing_is_named_and_two_sets_may_complete_each_other(people):
    most, rest = ready_set("most", classes=CLASSES[:3]), ready_set("rest", classes=CLASSES[3:])
    arguments = {"actor": people.administrator, "kind": "transfer", "options": {}}
    with pytest.raises(TrainingRefused, match="monocyte 0 of 5 in train"):
        training_start(data_sets=[most], model_id="x", **arguments)
    assert training_start(data_sets=[most, rest], model_id="x", **arguments).pk


def test_a_set_that_is_not_ready_is_refused(start, data_set):
    data_set.state = SetState.REMOVED
    data_set.save()
    with pytest.raises(DomainError, match="drawn is not ready"):
        start()


def test_a_run_that_waits_is_stopped_at_once_and_goes_on(start, people, quiet):
    job = training_stop(actor=people.administrator, job=start())
    assert job.state == JobState.STOPPED
    with pytest.raises(TrainingRefused, match="not running: stopped"):
        training_stop(actor=people.administrator, job=job)
    job = training_resume(actor=people.administrator, job=job)
    assert job.state == JobState.QUEUED
    with pytest.raises(TrainingRefused, match="cannot go on: waiting"):
        training_resume(actor=people.administrator, job=job)
    actions = AuditEvent.objects.filter(action__startswith="training.").order_by("sequence")
    assert list(actions.values_list("action", flat=True)) == [
        "training.asked", "training.stop_asked", "training.resumed",
    ]  # fmt: skip
