"""Stopping, trying again, and waiting for a model."""

from uuid import uuid4

import pytest

from audit.models import AuditEvent
from classifier.choices import PredictionState
from classifier.claiming import claim
from classifier.finishing import Answer, finish
from classifier.loading import model_for
from classifier.models import Cell, Prediction
from classifier.reading import read_batch
from classifier.registry import model_activate, model_register
from classifier.services import prediction_retry
from classifier.sweep import sweep
from patients.choices import CaseStatus
from patients.errors import MoveRefused
from patients.services import case_withdraw, image_remove
from tests.queue.test_reading import pictures, read_all
from tests.servers import engine
from tests.servers.reading import states, submitted_case

pytestmark = pytest.mark.django_db(transaction=True)

CANCELLED, DONE = PredictionState.CANCELLED, PredictionState.DONE
QUARANTINED, QUEUED = PredictionState.QUARANTINED, PredictionState.QUEUED


def finish_late(model, message) -> tuple:
    """Claim a message's rows; the answer comes when the caller says so."""
    claims = claim(prediction_ids=message.ids, version=model, token=uuid4(), lease_seconds=30)
    loaded = model_for(model)
    return claims, lambda: finish(
        answers=[Answer(each, result=loaded.classify(engine.picture(1))) for each in claims]
    )


def test_the_result_of_a_picture_removed_meanwhile_is_not_written(people, model, sent):
    case = submitted_case(people, pictures(3))
    _, answer = finish_late(model, sent[0])
    image_remove(actor=people.clinician, image=case.images.first())
    written = answer()

    assert (written.done, written.fenced) == (2, 1)
    removed = Prediction.objects.get(cell__image=case.images.first())
    assert (removed.state, removed.label) == (CANCELLED, "")
    case.refresh_from_db()
    assert case.status == CaseStatus.READY


def test_removing_the_last_picture_that_was_waited_for_makes_the_case_ready(people, model, sent):
    case = submitted_case(people, pictures(17))
    read_batch(prediction_ids=sent[0].ids, token=uuid4())
    last = Prediction.objects.get(state=QUEUED).cell.image
    image_remove(actor=people.clinician, image=last)

    case.refresh_from_db()
    assert case.status == CaseStatus.READY


def test_nothing_of_a_withdrawn_case_is_written(people, model, sent):
    case = submitted_case(people, pictures(3))
    _, answer = finish_late(model, sent[0])
    case_withdraw(actor=people.clinician, case=case)

    assert answer().done == 0
    assert states(case) == {CANCELLED: 3}
    case.refresh_from_db()
    assert case.status == CaseStatus.WITHDRAWN


def test_a_cell_set_aside_is_read_once_more_when_asked(people, model, sent, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("classifier.reading.read_verified", lambda *_, **__: b"no picture")
        case = submitted_case(people, pictures(1))
        read_all(sent)
    row = Prediction.objects.get()
    assert (row.state, row.last_error) == (QUARANTINED, "The picture cannot be decoded.")

    prediction_retry(prediction=row, actor=people.clinician)
    row.refresh_from_db()
    assert (row.state, row.attempt, row.last_error) == (QUEUED, 0, "")
    case.refresh_from_db()
    assert case.status == CaseStatus.CLASSIFYING
    event = AuditEvent.objects.get(action="cell.retried")
    assert (event.actor_id, event.case_id) == (people.clinician.pk, case.public_id)

    read_all(sent)
    assert states(case) == {DONE: 1}
    case.refresh_from_db()
    assert case.status == CaseStatus.READY


def test_only_what_was_set_aside_can_be_tried_again(people, model, sent):
    submitted_case(people, pictures(1))
    with pytest.raises(MoveRefused):
        prediction_retry(prediction=Prediction.objects.get(), actor=people.clinician)
    read_all(sent)
    with pytest.raises(MoveRefused):
        prediction_retry(prediction=Prediction.objects.get(), actor=people.clinician)
    assert not AuditEvent.objects.filter(action="cell.retried").exists()


def test_pictures_that_come_while_no_model_is_active_wait_and_are_read_later(
    people, no_model, sent
):
    case = submitted_case(people, pictures(3))
    assert (Cell.objects.count(), Prediction.objects.count()) == (3, 0)
    sweep()
    case.refresh_from_db()
    assert case.status == CaseStatus.CLASSIFYING, "waiting is not being ready"

    model_activate(version=model_register(directory=no_model))
    sweep()
    read_all(sent)
    assert states(case) == {DONE: 3}
    case.refresh_from_db()
    assert case.status == CaseStatus.READY


def test_each_result_names_the_model_that_read_it_when_models_change(people, model, sent, tmp_path):
    first = submitted_case(people, pictures(3))
    newer = model_register(
        directory=engine.write_model(tmp_path / "models", model_id="newer", shift=1)
    )
    model_activate(version=newer)
    second = submitted_case(people, pictures(3))
    read_all(sent)

    for case, version in ((first, model), (second, newer)):
        rows = Prediction.objects.of_case(case).values_list("state", "model_sha256")
        assert set(rows) == {(DONE, version.manifest_sha256)}
