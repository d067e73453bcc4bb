"""Sending never fails the caller, and never for long."""

import time

import pytest
from celery.exceptions import OperationalError

from classifier import dispatch
from classifier.choices import PredictionState
from classifier.models import Prediction
from patients.choices import Priority
from tests.servers import engine
from tests.servers.reading import states, submitted_case
from tests.servers.valkey import Valkey

pytestmark = pytest.mark.django_db(transaction=True)

# One connection (2 s) and one command (2 s) at most, with room for a busy machine.
FROZEN_LIMIT = 8


@pytest.fixture
def valkey(tmp_path, monkeypatch):
    from telemed.celery import app

    server = Valkey(tmp_path / "valkey").start()
    monkeypatch.setattr(app.conf, "broker_url", server.url)
    monkeypatch.setattr(app.conf, "broker_write_url", server.url)
    yield server
    server.stop()


def pictures(number: int) -> list[bytes]:
    return [engine.picture(seed) for seed in range(number)]


def test_work_goes_to_the_queue_of_its_priority_in_batches_of_sixteen(people, model, valkey):
    for priority in Priority.values:
        submitted_case(people, pictures(17), priority=priority)

    assert {queue: valkey.length(queue) for queue in Priority.values} == dict.fromkeys(
        Priority.values, 2
    )
    assert not Prediction.objects.filter(published_at=None).exists()


def test_a_message_holds_numbers_and_no_patient(people, model, valkey):
    case = submitted_case(people, pictures(2))
    with valkey.client() as client:
        (raw,) = client.lrange("routine", 0, -1)
    for secret in (case.patient.family_name, case.patient.mrn, case.number, str(case.public_id)):
        assert secret.encode() not in raw


def test_nothing_is_sent_for_work_that_was_rolled_back(people, model, valkey):
    from django.db import transaction

    with transaction.atomic():
        submitted_case(people, pictures(2))
        transaction.set_rollback(True)
    assert not Prediction.objects.exists()
    assert valkey.length("routine") == 0


def test_a_broker_that_is_down_does_not_fail_the_submission(people, model, valkey, caplog):
    valkey.kill()
    case = submitted_case(people, pictures(40))

    assert states(case) == {PredictionState.QUEUED: 40}
    assert caplog.text.count("broker did not take the work") == 1
    valkey.start()


def test_a_frozen_broker_costs_one_caller_a_few_seconds_and_the_next_nothing(people, model, valkey):
    valkey.freeze()
    begin = time.monotonic()
    submitted_case(people, pictures(40))
    first = time.monotonic() - begin
    begin = time.monotonic()
    case = submitted_case(people, pictures(40))
    second = time.monotonic() - begin
    valkey.thaw()

    assert first < FROZEN_LIMIT
    assert second < first
    assert states(case) == {PredictionState.QUEUED: 40}
    assert not Prediction.objects.filter(published_at__isnull=False).exists()


def test_after_a_failure_no_further_batch_is_tried(people, model, monkeypatch):
    tried = []

    class Producer:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def send(_, message):
        tried.append(message)
        if len(tried) == 2:
            raise OperationalError("gone")

    monkeypatch.setattr(dispatch, "_Producer", Producer)
    monkeypatch.setattr(dispatch, "_send", send)
    submitted_case(people, pictures(64))

    assert len(tried) == 2
    assert Prediction.objects.filter(published_at__isnull=False).count() == 16
