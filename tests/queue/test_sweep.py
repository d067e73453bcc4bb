"""What a broker, a worker or a crash forgot is found again, and nothing else is touched."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from classifier import dispatch
from classifier.choices import PredictionState
from classifier.claiming import claim
from classifier.models import Prediction
from classifier.sweep import sweep
from tests.queue.test_reading import pictures, read_all
from tests.servers.reading import long_ago, states, submitted_case

pytestmark = pytest.mark.django_db(transaction=True)

DONE, QUEUED = PredictionState.DONE, PredictionState.QUEUED
RUNNING, QUARANTINED = PredictionState.RUNNING, PredictionState.QUARANTINED


def test_fresh_work_is_left_alone(people, model, sent):
    submitted_case(people, pictures(3))
    claim(prediction_ids=sent[0].ids[:1], version=model, token=uuid4(), lease_seconds=30)
    swept = sweep()
    assert (swept.rescued, swept.found, swept.sent) == (0, 0, 0)
    assert states() == {QUEUED: 2, RUNNING: 1}


def test_work_that_was_committed_and_never_sent_is_sent(people, model, sent, monkeypatch):
    monkeypatch.setattr(dispatch, "publish", lambda *_, **__: 0)  # a crash after the commit
    case = submitted_case(people, pictures(20))
    assert sent == []
    long_ago(seconds=30)
    assert sweep().sent == 20
    read_all(sent)
    assert states(case) == {DONE: 20}


def test_what_is_sent_again_starts_with_the_most_urgent(people, model, sent):
    for priority in ("background", "routine", "stat"):
        submitted_case(people, pictures(2), priority=priority)
    sent.clear()
    long_ago(seconds=30)
    sweep()
    assert [message.queue for message in sent] == ["stat", "routine", "background"]


def test_a_queue_that_still_holds_the_messages_is_not_filled_again(
    people, model, sent, monkeypatch
):
    submitted_case(people, pictures(20))
    sent.clear()
    long_ago(seconds=30)
    monkeypatch.setattr("classifier.sweep.messages_waiting", lambda _: dict.fromkeys(
        ("stat", "routine", "background"), 2
    ))  # fmt: skip
    assert sweep().sent == 0
    monkeypatch.setattr("classifier.sweep.messages_waiting", lambda _: dict.fromkeys(
        ("stat", "routine", "background"), 1
    ))  # fmt: skip
    assert sweep().sent == 20


def test_an_expired_lease_is_freed_and_counts_as_an_attempt(people, model, sent):
    submitted_case(people, pictures(2))
    claim(prediction_ids=sent[0].ids, version=model, token=uuid4(), lease_seconds=30)
    long_ago(seconds=60)
    assert sweep().rescued == 2
    assert set(Prediction.objects.values_list("state", "attempt", "lease_token")) == {
        (QUEUED, 1, None)
    }


def test_the_third_expired_lease_sets_the_row_aside(people, model, sent):
    case = submitted_case(people, pictures(1))
    (pk,) = sent[0].ids
    for _ in range(3):
        claim(prediction_ids=[pk], version=model, token=uuid4(), lease_seconds=30)
        long_ago(seconds=60)
        sweep()
    row = Prediction.objects.get()
    assert (row.state, row.attempt) == (QUARANTINED, 3)
    case.refresh_from_db()
    assert case.status == "ready"


def test_a_web_server_whose_clock_is_a_day_ahead_does_not_delay_its_work(
    people, model, sent, monkeypatch
):
    monkeypatch.setattr(dispatch, "publish", lambda *_, **__: 0)
    submitted_case(people, pictures(1))
    Prediction.objects.update(created_at=timezone.now() + timedelta(days=1))
    assert sweep().sent == 1


def test_a_lease_is_counted_by_the_databases_clock(people, model, sent, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: datetime(2031, 1, 1, tzinfo=UTC))
    submitted_case(people, pictures(1))
    claim(prediction_ids=sent[0].ids, version=model, token=uuid4(), lease_seconds=30)
    assert sweep().rescued == 0, "this machine's clock says 2031, the database's does not"
