"""Models are their hashes; the invariants find what is broken."""

import os
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import AuditEvent
from classifier import loading, nightly
from classifier.choices import ModelState, PredictionState
from classifier.inference import ModelError
from classifier.invariants import verify
from classifier.models import ModelVersion, Prediction
from classifier.operations import facts
from classifier.reading import read_batch
from classifier.registry import model_activate, model_register
from patients.services.files import PICTURES
from tests.queue.test_reading import pictures, read_all
from tests.servers import engine
from tests.servers.reading import long_ago, states, submitted_case

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_registering_verifies_and_activating_leaves_exactly_one_active(people, no_model, tmp_path):
    assert "candidate" in run("register_model", str(no_model))
    assert "active" in run("register_model", str(no_model), "--activate")
    newer = engine.write_model(tmp_path / "models", model_id="newer", shift=2)
    run("register_model", str(newer), "--activate")

    assert dict(ModelVersion.objects.values_list("model_id", "state")) == {
        "newer": ModelState.ACTIVE,
        engine.MODEL_ID: ModelState.RETIRED,
    }
    assert AuditEvent.objects.filter(action="model.activated").count() == 2


def test_a_directory_with_one_changed_byte_is_refused(people, no_model):
    (no_model / "graph.bin").write_bytes(b"x" * 16)
    with pytest.raises(CommandError, match="SHA-256 differs"):
        run("register_model", str(no_model))
    assert not ModelVersion.objects.exists()


def test_an_id_that_has_results_cannot_come_to_mean_another_model(people, model, sent, no_model):
    import shutil

    submitted_case(people, pictures(1))
    read_all(sent)
    shutil.rmtree(no_model)
    changed = engine.write_model(no_model.parent, shift=3)
    with pytest.raises(ModelError, match="Give the new files a new id"):
        model_register(directory=changed)


def test_a_model_whose_files_changed_is_not_loaded_and_its_rows_wait(
    people, model, sent, no_model, caplog
):
    submitted_case(people, pictures(2))
    (no_model / "graph.bin").write_bytes(b"x" * 16)
    read_batch(prediction_ids=sent[0].ids, token=uuid4())

    assert set(Prediction.objects.values_list("state", "attempt")) == {(PredictionState.QUEUED, 0)}
    assert any(record.levelname == "CRITICAL" for record in caplog.records)


def test_a_model_that_fails_its_self_test_is_refused(people, model, monkeypatch):
    monkeypatch.setattr(engine, "_order", lambda _: engine.NAN)
    with pytest.raises(ModelError, match="self-test"):
        loading.model_for(model)


@pytest.fixture
def read_case(people, model, sent):
    case = submitted_case(people, pictures(3))
    read_all(sent)
    return case


def broken() -> dict[str, int]:
    """What the command refuses, by code."""
    with pytest.raises(CommandError) as error:
        run("verify_invariants")
    assert error.value.returncode == 1
    return {finding.code: finding.broken for finding in verify() if finding.broken}


def test_all_invariants_hold_after_ordinary_work(read_case):
    said = run("verify_invariants")
    assert "All hold." in said
    assert [line.split()[0] for line in said.splitlines()[:8]] == [
        "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8"
    ]  # fmt: skip


def test_a_lost_file_is_found(read_case, tmp_path):
    (tmp_path / "media" / read_case.images.first().picture_key).unlink()
    assert broken() == {"I1": 1}


def test_a_flipped_byte_is_found(read_case, tmp_path):
    path = tmp_path / "media" / read_case.images.first().picture_key
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert broken() == {"I1": 1}


def test_stuck_work_is_found(people, model, sent):
    submitted_case(people, pictures(2))
    long_ago(minutes=10)
    assert broken() == {"I3": 2}


def test_a_case_that_waits_for_nothing_is_found(read_case):
    read_case.status = "classifying"
    read_case.save(update_fields=["status"])
    assert broken() == {"I3": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"probabilities": [0.5, 0.5, 0.5, 0.0, 0.0]},
        {"probabilities": [0.5, 0.5]},
        {"model_sha256": "0" * 64},
        {"image_sha256": "0" * 64},
        {"label": "platelet"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_wrong_result_is_found(read_case, fields):
    row = Prediction.objects.first()
    Prediction.objects.filter(pk=row.pk).update(**fields)
    assert broken()["I4"] >= 1


def test_a_touched_audit_row_is_found(read_case):
    from audit import triggers

    triggers.remove(connection)
    AuditEvent.objects.filter(sequence=2).update(action="nothing.happened")
    triggers.install(connection)
    assert broken() == {"I6": 1}


def test_a_quarantine_without_an_event_is_found(people, model, sent):
    submitted_case(people, pictures(1))
    Prediction.objects.update(state=PredictionState.QUARANTINED)
    assert broken()["I6"] == 1


def test_an_old_file_without_a_row_is_found(read_case, tmp_path):
    folder = tmp_path / "media" / PICTURES / "ff"
    folder.mkdir(parents=True, exist_ok=True)  # a picture's random key may begin with it
    (folder / "left.png").write_bytes(b"left behind")
    assert "All hold." in run("verify_invariants"), "an upload may be under way"
    os.utime(folder / "left.png", (1, 1))
    assert broken() == {"I7": 1}


def test_the_nightly_check_goes_through_every_picture_and_says_what_it_found(
    read_case, tmp_path, monkeypatch
):
    monkeypatch.setattr(nightly, "SLICE", 2)
    further = nightly.check_slice(after=0)
    assert further is not None
    assert nightly.check_slice(after=further) is None
    assert AuditEvent.objects.filter(action="invariants.checked").count() == 1

    (tmp_path / "media" / read_case.images.last().picture_key).unlink()
    nightly.check_slice(after=further)
    event = AuditEvent.objects.get(action="invariants.violated")
    assert event.data == {"I1": 1}
    assert any("nightly check" in warning for warning in facts().warnings)


def test_the_facts_of_operations(people, model, sent):
    submitted_case(people, pictures(3), priority="stat")
    found = facts()
    assert found.counts["queued"] == 3
    assert found.waiting == {"stat": 3, "routine": 0, "background": 0}
    assert found.oldest_queued is not None
    assert found.active_model == model
    assert any("No worker" in warning for warning in found.warnings)
    read_all(sent)
    assert facts().finished_last_hour == 3
    assert facts().oldest_queued is None


def test_the_operations_page_is_for_administrators_and_names_no_patient(
    people, model, sent, client
):
    case = submitted_case(people, pictures(1, engine.NAN))
    read_all(sent)
    assert states(case)[PredictionState.QUARANTINED] == 1
    client.force_login(people.administrator)
    page = client.get("/operations/")
    assert page.status_code == 200
    text = page.content.decode()
    assert engine.MODEL_ID in text
    assert "was not a number" in text
    for secret in (case.patient.family_name, case.patient.mrn, case.number):
        assert secret not in text
    client.force_login(people.clinician)
    assert client.get("/operations/").status_code == 403


def test_activating_again_changes_nothing(people, model):
    before = AuditEvent.objects.count()
    model_activate(version=model)
    assert AuditEvent.objects.count() == before
