"""A version that reads along: its jobs come after the others, and no case waits for them."""

import shutil
from datetime import timedelta
from uuid import uuid4

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import AuditEvent
from classifier import progress
from classifier.attempts import TOO_SLOW, WORKER_LOST
from classifier.choices import SHADOW_QUEUE, ModelState, PredictionState
from classifier.gallery import case_gallery
from classifier.inference import ModelError
from classifier.invariants import verify
from classifier.loading import model_for
from classifier.models import Prediction
from classifier.operations import facts
from classifier.reading import read_batch, read_shadow_batch
from classifier.registry import model_activate, model_directory, model_register, model_retire
from classifier.requests import ReadingRequest
from classifier.services import prediction_retry
from classifier.shadow import ShadowRefused, shadow_end, shadow_start
from classifier.shadow_jobs import ENDED, at_rest, rest, rests
from classifier.sweep import sweep
from patients.choices import CaseStatus
from patients.services import case_withdraw, image_remove
from tests.queue.test_reading import pictures
from tests.servers import engine
from tests.servers.reading import long_ago, states, submitted_case

pytestmark = pytest.mark.django_db(transaction=True)

CANCELLED, DONE = PredictionState.CANCELLED, PredictionState.DONE
QUARANTINED, QUEUED = PredictionState.QUARANTINED, PredictionState.QUEUED
RUNNING = PredictionState.RUNNING


@pytest.fixture(autouse=True)
def _rested():
    cache.clear()


@pytest.fixture
def candidate(model, tmp_path):
    """Says another class of every picture than the active model."""
    directory = engine.write_model(tmp_path / "models", model_id="newer", turned=1)
    return model_register(directory=directory)


@pytest.fixture
def shadow(candidate):
    return shadow_start(version=candidate)


def work(sent, *, shadows: bool = True) -> None:
    """Be the worker: take messages in the order of their queues until there are none."""
    while sent:
        sent.sort(key=lambda message: message.queue == SHADOW_QUEUE)
        if sent[0].queue == SHADOW_QUEUE and not shadows:
            return
        message = sent.pop(0)
        read = read_shadow_batch if message.queue == SHADOW_QUEUE else read_batch
        read(prediction_ids=message.ids, token=uuid4())


def along(**fields):
    return Prediction.jobs.of_shadows().filter(**fields)


def jobs_long_ago() -> None:
    """Turn the clocks of its jobs back."""
    past = timezone.now() - timedelta(minutes=10)
    along().update(created_at=past, published_at=past)
    along(lease_expires_at__isnull=False).update(lease_expires_at=past)


def all_hold() -> None:
    assert {each.code: each.examples for each in verify() if each.broken} == {}


def test_each_cell_is_read_along_after_the_active_model_has_read_it(people, shadow, model, sent):
    shown = pictures(20)
    case = submitted_case(people, shown)
    assert not along().exists(), "nothing is made on the way of an upload"
    work(sent, shadows=False)
    case.refresh_from_db()
    assert case.status == CaseStatus.READY
    assert {message.queue for message in sent} == {SHADOW_QUEUE}
    assert [len(message.ids) for message in sent] == [4] * 5
    work(sent)
    rows = along(state=DONE).select_related("beside").order_by("cell__image__position")
    assert len(rows) == 20
    assert all(row.beside.cell_id == row.cell_id for row in rows)
    assert {row.beside.model_version for row in rows} == {model}
    assert {row.model_sha256 for row in rows} == {shadow.manifest_sha256}
    said = [engine.label_of(png) for png in shown]
    assert [row.beside.label for row in rows] == said
    assert [row.label for row in rows] == [
        engine.CLASSES[(engine.CLASSES.index(label) + 1) % 5] for label in said
    ]
    assert states(case) == {DONE: 20}
    all_hold()


def test_without_a_shadow_there_is_no_second_job(people, candidate, model, sent):
    submitted_case(people, pictures(3))
    work(sent)
    assert not along().exists()


def test_nothing_that_shows_a_case_knows_of_it(people, shadow, model, sent):
    case = submitted_case(people, pictures(5))
    work(sent, shadows=False)
    case.refresh_from_db()

    def seen():
        gallery = case_gallery(case)
        return (
            progress.stamp(case),
            progress.wait(case),
            [(tile.facts, tile.group) for tile in gallery.tiles],
            {cell: list(cell.predictions.all()) for image in case.images.all()
             for cell in image.cells.all()},
            facts().counts,
            facts().waiting,
        )  # fmt: skip

    before = seen()
    assert along(state=QUEUED).count() == 5
    work(sent)
    assert along(state=DONE).count() == 5
    assert seen() == before
    model_activate(version=shadow)
    assert seen() == before, "nor when it is promoted later"
    assert not Prediction.objects.filter(model_version=shadow).exists()


def test_jobs_of_a_case_that_is_still_read_do_not_keep_it(people, shadow, model, sent):
    """Nothing open any more: that is asked of the jobs that count alone."""
    case = submitted_case(people, pictures(17))
    read_batch(prediction_ids=sent[0].ids, token=uuid4())
    assert along(state=QUEUED).count() == 16
    case.refresh_from_db()
    assert case.status == CaseStatus.CLASSIFYING
    read_batch(prediction_ids=sent[1].ids, token=uuid4())
    case.refresh_from_db()
    assert case.status == CaseStatus.READY
    all_hold()


def test_a_picture_removed_and_a_case_withdrawn_end_its_jobs(people, shadow, model, sent):
    case = submitted_case(people, pictures(3))
    work(sent, shadows=False)
    image_remove(actor=people.clinician, image=case.images.first())
    assert sorted(along().values_list("state", flat=True)) == [CANCELLED, QUEUED, QUEUED]
    case_withdraw(actor=people.clinician, case=case)
    assert set(along().values_list("state", flat=True)) == {CANCELLED}


@pytest.mark.parametrize("end", [shadow_end, model_retire, model_activate])
def test_what_is_left_to_read_is_cancelled_when_it_ends(people, shadow, model, sent, end):
    submitted_case(people, pictures(6))
    work(sent, shadows=False)
    read_shadow_batch(prediction_ids=sent[0].ids, token=uuid4())
    end(version=shadow)
    assert along(state=DONE).count() == 4
    left = along(state=CANCELLED)
    assert {row.last_error for row in left} == {ENDED}
    assert left.count() == 2
    work(sent)
    assert along(state=CANCELLED).count() == 2
    submitted_case(people, pictures(2))
    work(sent)
    assert along().count() == 6
    all_hold()


def test_a_job_that_was_made_while_it_ended_is_swept_away(people, shadow, model, sent):
    submitted_case(people, pictures(2))
    work(sent, shadows=False)
    type(shadow).objects.filter(pk=shadow.pk).update(state=ModelState.CANDIDATE)
    sweep()
    assert set(along().values_list("state", "last_error")) == {(CANCELLED, ENDED)}
    all_hold()


def test_the_sweep_sends_what_nobody_was_told_of_and_frees_what_a_worker_held(
    people, shadow, model, sent
):
    submitted_case(people, pictures(6))
    work(sent, shadows=False)
    sent.clear()
    row = along().first()
    Prediction.jobs.filter(pk=row.pk).update(
        state=RUNNING, attempt=1, lease_token=uuid4(), lease_expires_at=row.created_at
    )
    jobs_long_ago()
    sweep()
    assert {message.queue for message in sent} == {SHADOW_QUEUE}
    work(sent)
    assert set(along().values_list("state", flat=True)) == {DONE}


def test_what_it_cannot_read_is_told_to_nobody_of_the_case(people, model, sent, tmp_path):
    broken = model_register(
        directory=engine.write_model(tmp_path / "models", model_id="broken", order=engine.NAN)
    )
    shadow_start(version=broken)
    case = submitted_case(people, pictures(2))
    work(sent)
    assert set(along().values_list("state", "attempt")) == {(QUARANTINED, 3)}
    assert states(case) == {DONE: 2}
    assert not AuditEvent.objects.filter(action="prediction.quarantined").exists()
    assert facts().quarantined == []
    assert not any("not analysed" in warning for warning in facts().warnings)
    all_hold()
    with pytest.raises(Prediction.DoesNotExist):
        prediction_retry(prediction=along().first(), actor=people.specialist)


def test_one_that_cannot_be_loaded_is_left_alone_for_a_while(people, shadow, model, sent, caplog):
    submitted_case(people, pictures(2))
    work(sent, shadows=False)
    message = sent.pop()
    (model_directory(shadow) / "graph.bin").write_bytes(b"x" * 16)
    assert read_shadow_batch(prediction_ids=message.ids, token=uuid4()) == 0
    assert "graph.bin" in rests(shadow)
    assert at_rest() == [shadow.pk]
    assert not any(record.levelname == "CRITICAL" for record in caplog.records)
    jobs_long_ago()
    sweep()
    assert sent == [], "nothing of it is sent meanwhile"
    assert set(along().values_list("state", "attempt")) == {(QUEUED, 0)}


def test_one_that_takes_too_long_is_left_alone_for_a_while(
    people, shadow, model, sent, monkeypatch
):
    submitted_case(people, pictures(2))
    work(sent, shadows=False)

    def late(_):
        raise SoftTimeLimitExceeded

    model_for(shadow, shadow=True)  # whose self-test is not what takes too long here
    monkeypatch.setattr(engine.Waiting, "result", late)
    message = sent.pop()
    assert read_shadow_batch(prediction_ids=message.ids, token=uuid4()) == 0
    assert rests(shadow) == TOO_SLOW
    assert read_shadow_batch(prediction_ids=message.ids, token=uuid4()) == 0
    assert set(along().values_list("state", "attempt")) == {(QUEUED, 1)}


def test_one_that_kills_its_worker_is_left_alone_for_a_while(
    people, shadow, model, sent, monkeypatch
):
    submitted_case(people, pictures(2))
    work(sent, shadows=False)
    token = uuid4()
    along().update(
        state=RUNNING, attempt=1, lease_token=token, lease_expires_at=shadow.shadow_since
    )
    monkeypatch.setattr(ReadingRequest, "id", str(token))
    ReadingRequest.__new__(ReadingRequest)._free(WORKER_LOST)
    assert rests(shadow) == WORKER_LOST
    assert set(along().values_list("state", "last_error")) == {(QUEUED, WORKER_LOST)}


def test_ordinary_work_lets_no_shadow_rest(shadow, model):
    rest(shadow, why="It broke.")
    assert rests(model) == ""


def test_a_second_one_is_refused_unless_more_may(people, shadow, model, tmp_path, settings, sent):
    third = model_register(
        directory=engine.write_model(tmp_path / "models", model_id="third", turned=2)
    )
    with pytest.raises(ShadowRefused, match="newer reads along already"):
        shadow_start(version=third)
    settings.SHADOWS = 2
    shadow_start(version=third)
    submitted_case(people, pictures(3))
    work(sent)
    assert along(state=DONE, model_version=third).count() == 3
    assert along(state=DONE, model_version=shadow).count() == 3
    all_hold()


@pytest.mark.parametrize("state", ["active", "retired"])
def test_only_a_candidate_can_read_along(model, candidate, state):
    if state == "active":
        model_activate(version=candidate)
    else:
        model_retire(version=candidate)
    with pytest.raises(ShadowRefused, match=f"newer is {state}; only a candidate"):
        shadow_start(version=candidate)


def test_none_can_where_the_installation_has_none(candidate, settings):
    settings.SHADOWS = 0
    with pytest.raises(ShadowRefused, match="TELEHEME_SHADOWS is 0"):
        shadow_start(version=candidate)


def test_one_whose_files_changed_cannot(candidate):
    (model_directory(candidate) / "graph.bin").write_bytes(b"x" * 16)
    with pytest.raises(ShadowRefused, match=r"graph\.bin is not the one"):
        shadow_start(version=candidate)


def test_beginning_and_end_are_recorded_once(candidate, people):
    shadow_start(version=candidate, actor=people.administrator)
    shadow_start(version=candidate, actor=people.administrator)
    shadow_end(version=candidate, actor=people.administrator)
    with pytest.raises(ShadowRefused, match="does not read along"):
        shadow_end(version=candidate)
    events = AuditEvent.objects.filter(action__startswith="shadow.").order_by("sequence")
    assert [(event.action, event.data["model"]) for event in events] == [
        ("shadow.started", "newer"), ("shadow.ended", "newer"),
    ]  # fmt: skip


def test_results_read_along_bind_an_id_to_its_files(people, shadow, model, sent):
    """As ordinary results do: other files need another id."""
    submitted_case(people, pictures(1))
    work(sent)
    folder = model_directory(shadow)
    shutil.rmtree(folder)
    engine.write_model(folder.parent, model_id="newer", turned=3)
    with pytest.raises(ModelError, match="Give the new files a new id"):
        model_register(directory=folder)


def test_the_database_refuses_what_makes_no_sense(people, shadow, model, sent):
    submitted_case(people, pictures(1))
    work(sent)
    counts, row = Prediction.objects.get(), along().get()
    for wrong in (
        {"beside": None},  # a queue of its own, and nothing beside
        {"queue": "routine"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Prediction.jobs.filter(pk=row.pk).update(**wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Prediction.jobs.create(
            cell=row.cell, model_version=shadow, image_sha256=row.image_sha256,
            queue=SHADOW_QUEUE, beside=counts,
        )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        type(shadow).objects.filter(pk=shadow.pk).update(shadow_since=None)


def test_the_invariants_find_a_result_that_is_wrong_and_a_job_that_nobody_ended(
    people, shadow, model, sent
):
    submitted_case(people, pictures(2))
    work(sent, shadows=False)
    message = sent.pop()
    read_shadow_batch(prediction_ids=message.ids[:1], token=uuid4())
    along(state=DONE).update(label="monocyte", probabilities=[1.0, 0, 0, 0, 0])
    type(shadow).objects.filter(pk=shadow.pk).update(state=ModelState.CANDIDATE)
    jobs_long_ago()
    assert {each.code: each.broken for each in verify() if each.broken} == {"I3": 1, "I4": 1}


def test_the_operations_page_says_who_reads_along(people, shadow, model, sent, client):
    submitted_case(people, pictures(2))
    work(sent, shadows=False)
    client.force_login(people.administrator)
    page = client.get("/operations/").content.decode()
    assert "newer" in page
    assert "Shadow" in page
    assert facts().shadow_waiting == 2
    long_ago(minutes=1)
    assert facts().oldest_queued is None
