"""Who owns a run: one worker at a time, by the database's clock."""

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from classifier.clock import database_now
from training import claiming, tasks
from training.choices import JobState
from training.models import TrainingJob
from training.services import training_stop

pytestmark = pytest.mark.django_db


def expire(job: TrainingJob) -> None:
    TrainingJob.objects.filter(pk=job.pk).update(lease_expires_at=database_now(plus_seconds=-1))


def test_the_oldest_is_taken_and_one_goes_at_a_time(start):
    first, second = start("one"), start("two", epochs=3)
    claim = claiming.claim_next()
    assert claim.job == first
    assert claim.job.attempt == 1
    assert claiming.claim_next() is None
    claiming.stopped(claim)
    assert claiming.claim_next().job == second


def test_the_database_lets_no_second_one_run(start):
    start("one")
    start("two", epochs=3)
    claiming.claim_next()
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingJob.objects.filter(state=JobState.QUEUED).update(
            state=JobState.RUNNING, attempt=1, started_at=database_now(),
            lease_token="0" * 32, lease_expires_at=database_now(),
        )  # fmt: skip


def test_what_is_seen_renews_the_lease_and_hears_of_a_stop(start, people):
    start()
    claim = claiming.claim_next()
    before = TrainingJob.objects.get().lease_expires_at
    assert claiming.seen(claim, progress={"step": "head", "done": 1, "total": 2}) is False
    job = TrainingJob.objects.get()
    assert job.lease_expires_at >= before
    assert job.progress["step"] == "head"
    training_stop(actor=people.administrator, job=job)
    assert TrainingJob.objects.get().shown_state == "Stopping"
    assert claiming.seen(claim) is True


def test_a_worker_that_lost_its_run_can_write_nothing_more(start, registered):
    start()
    old = claiming.claim_next()
    expire(old.job)
    claiming.free_expired()
    new = claiming.claim_next()
    assert new.job.attempt == 2
    assert claiming.seen(old, log="late") is None
    claiming.done(old, registered)
    claiming.failed(old, "late")
    job = TrainingJob.objects.get()
    assert (job.state, job.log, job.lease_token) == (JobState.RUNNING, "", new.token)


def test_a_run_whose_worker_is_gone_after_a_stop_was_asked_for_is_stopped(start, people):
    start()
    claim = claiming.claim_next()
    training_stop(actor=people.administrator, job=claim.job)
    expire(claim.job)
    claiming.free_expired()
    assert TrainingJob.objects.get().state == JobState.STOPPED


def test_a_run_that_is_killed_again_and_again_fails_with_the_reason(start):
    job = start()
    for _ in range(claiming.MOST_ATTEMPTS):
        claiming.died(claiming.claim_next())
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "killed 5 times" in job.error
    assert AuditEvent.objects.filter(action="training.failed", outcome="failed").exists()


def test_a_worker_that_ends_gives_the_run_back_unspent(start):
    start()
    claiming.give_back(claiming.claim_next())
    job = TrainingJob.objects.get()
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)


def test_the_beat_rings_for_one_that_waits_and_not_again_at_once(start, monkeypatch):
    rung = []

    def ring(job):
        rung.append(job.pk)
        TrainingJob.objects.filter(pk=job.pk).update(published_at=database_now())

    monkeypatch.setattr(tasks, "ring_for", ring)
    job = start()
    tasks.tend()
    tasks.tend()
    assert rung == [job.pk]
    TrainingJob.objects.update(published_at=database_now(plus_seconds=-tasks.AGAIN - 1))
    claim = claiming.claim_next()
    tasks.tend()
    assert rung == [job.pk], "one runs already"
    expire(claim.job)
    tasks.tend()
    assert rung == [job.pk, job.pk], "its worker is gone"
