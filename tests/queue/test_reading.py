"""Row -> message -> claim -> result, in one process."""

from uuid import uuid4

import pytest

from audit.models import AuditEvent
from classifier.choices import PredictionState
from classifier.claiming import claim
from classifier.finishing import Answer, finish
from classifier.models import Cell, Prediction
from classifier.reading import read_batch
from classifier.sweep import sweep
from patients import storage
from patients.choices import CaseStatus
from tests.servers import engine
from tests.servers.reading import long_ago, states, submitted_case

pytestmark = pytest.mark.django_db(transaction=True)

DONE, QUEUED = PredictionState.DONE, PredictionState.QUEUED
RUNNING, QUARANTINED = PredictionState.RUNNING, PredictionState.QUARANTINED


def read_all(sent) -> None:
    """Be the worker: take messages until there are none."""
    while sent:
        read_batch(prediction_ids=sent.pop(0).ids, token=uuid4())


def pictures(number: int, *orders: int) -> list[bytes]:
    good = [engine.picture(seed) for seed in range(number)]
    return good + [engine.picture(1000 + place, order=order) for place, order in enumerate(orders)]


def test_a_submitted_case_is_read_and_becomes_ready(people, model, sent):
    case = submitted_case(people, pictures(20))

    assert states(case) == {QUEUED: 20}
    assert [len(message.ids) for message in sent] == [16, 4]
    assert {message.queue for message in sent} == {"routine"}
    read_all(sent)

    assert states(case) == {DONE: 20}
    case.refresh_from_db()
    assert case.status == CaseStatus.READY


def test_a_result_says_what_the_engine_said_of_that_very_picture(people, model, sent):
    shown = pictures(5)
    case = submitted_case(people, shown)
    read_all(sent)

    rows = Prediction.objects.of_case(case).order_by("cell__image__position")
    assert [row.label for row in rows] == [engine.label_of(png) for png in shown]
    row = rows[0]
    assert row.image_sha256 == row.cell.image.sha256
    assert row.model_sha256 == model.manifest_sha256
    assert row.probabilities[model.manifest["classes"].index(row.label)] == max(row.probabilities)
    assert len(bytes(row.activation)) == 64
    assert (row.attempt, row.last_error) == (1, "")
    assert row.finished_at is not None


def test_pictures_handed_in_twice_are_queued_once(people, model, sent):
    from classifier.services import CaseReading

    case = submitted_case(people, pictures(3))
    CaseReading().images_received(case=case, images=case.images.all())
    CaseReading().images_received(case=case, images=case.images.all())

    assert Cell.objects.count() == Prediction.objects.count() == 3


def test_a_message_that_comes_again_changes_nothing(people, model, sent):
    submitted_case(people, pictures(4))
    message = sent[0]
    for _ in range(3):
        read_batch(prediction_ids=message.ids, token=uuid4())

    assert set(Prediction.objects.values_list("state", "attempt")) == {(DONE, 1)}
    assert AuditEvent.objects.filter(data__to="ready").count() == 1


def test_a_picture_that_is_no_number_fails_alone_and_is_set_aside_after_three_attempts(
    people, model, sent
):
    case = submitted_case(people, pictures(5, engine.NAN))
    read_all(sent)

    assert states(case) == {DONE: 5, QUARANTINED: 1}
    row = Prediction.objects.get(state=QUARANTINED)
    assert row.attempt == 3
    assert row.last_error == "The model's answer was not a number."
    assert row.label == ""
    event = AuditEvent.objects.get(action="prediction.quarantined")
    assert event.object_id == str(row.public_id)
    case.refresh_from_db()
    assert case.status == CaseStatus.READY


def test_a_changed_file_is_never_read(people, model, sent, tmp_path):
    case = submitted_case(people, pictures(3))
    image = case.images.first()
    path = tmp_path / "media" / image.picture_key
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    read_all(sent)

    row = Prediction.objects.get(cell__image=image)
    assert row.state == QUARANTINED
    assert "has changed since it was received" in row.last_error
    assert states(case) == {DONE: 2, QUARANTINED: 1}


def test_a_missing_file_is_said(people, model, sent):
    case = submitted_case(people, pictures(2))
    storage.delete(case.images.first().picture_key)
    read_all(sent)

    assert Prediction.objects.get(state=QUARANTINED).last_error == "The stored picture is gone."


def test_a_silent_picture_store_costs_no_attempt(people, model, sent, monkeypatch):
    def unavailable(*_, **__):
        raise storage.StorageUnavailable("The picture store does not answer.")

    case = submitted_case(people, pictures(2))
    with monkeypatch.context() as patch:
        patch.setattr("classifier.reading.read_verified", unavailable)
        for _ in range(5):
            for message in list(sent):
                read_batch(prediction_ids=message.ids, token=uuid4())
    assert set(Prediction.objects.values_list("state", "attempt")) == {(QUEUED, 0)}

    long_ago(minutes=5)
    sent.clear()
    sweep()
    read_all(sent)
    assert states(case) == {DONE: 2}


def test_memory_that_runs_out_takes_the_others_down_only_twice(people, model, sent):
    case = submitted_case(people, pictures(6, engine.MEMORY))
    read_all(sent)

    assert states(case) == {DONE: 6, QUARANTINED: 1}
    poison = Prediction.objects.get(state=QUARANTINED)
    assert poison.attempt == 3
    assert "memory" in poison.last_error


def test_a_row_that_failed_twice_travels_alone_and_is_refused_in_company(people, model, sent):
    submitted_case(people, pictures(3))
    ids = list(Prediction.objects.values_list("pk", flat=True))
    Prediction.objects.filter(pk=ids[0]).update(attempt=2)

    taken = claim(prediction_ids=ids, version=model, token=uuid4(), lease_seconds=30)
    assert [each.pk for each in taken] == ids[1:]
    alone = claim(prediction_ids=ids[:1], version=model, token=uuid4(), lease_seconds=30)
    assert [(each.pk, each.attempt) for each in alone] == [(ids[0], 3)]


def test_a_late_result_is_fenced(people, model, sent, caplog):
    submitted_case(people, pictures(1))
    (pk,) = sent[0].ids
    (late,) = claim(prediction_ids=[pk], version=model, token=uuid4(), lease_seconds=30)
    long_ago(minutes=5)
    sweep()
    read_all(sent)
    before = Prediction.objects.get()
    assert (before.state, before.attempt) == (DONE, 2)

    from classifier.loading import model_for

    result = model_for(model).classify(engine.picture(77))
    written = finish(answers=[Answer(late, result=result)])

    assert (written.done, written.fenced) == (0, 1)
    assert Prediction.objects.get().probabilities == before.probabilities
    assert "fenced" in caplog.text


def test_the_same_token_with_an_older_attempt_is_fenced_too(people, model, sent):
    submitted_case(people, pictures(1))
    token = uuid4()
    (old,) = claim(prediction_ids=sent[0].ids, version=model, token=token, lease_seconds=30)
    long_ago(minutes=5)
    sweep()
    claim(prediction_ids=sent[0].ids, version=model, token=token, lease_seconds=30)

    assert finish(answers=[Answer(old)]).fenced == 1
    assert Prediction.objects.get().state == RUNNING
