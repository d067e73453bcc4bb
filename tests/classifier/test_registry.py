"""Models come in as a candidate with their files in the store, and every machine finds them."""

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from audit.models import AuditEvent
from classifier import loading
from classifier.choices import ModelState, PromotionState
from classifier.inference import ModelError, find_model
from classifier.invariants import verify as verify_invariants
from classifier.models import ModelAlias, ModelVersion, Promotion
from classifier.registry import (
    AliasRefused,
    RetireRefused,
    model_activate,
    model_alias_remove,
    model_alias_set,
    model_directory,
    model_retire,
    model_take_in,
    model_upload,
    uploads,
    version_named,
)
from patients import storage
from patients.services.orphans import orphans_found
from patients.storage import StorageUnavailable
from tests.security.models.parts import good, packed, vouched

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def models(settings, tmp_path: Path) -> Path:
    """The folder of models of this machine, empty, and an empty store."""
    settings.MODEL_DIRS = [tmp_path / "models"]
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media"},
        },
    }
    loading.forget()
    return tmp_path / "models"


@pytest.fixture
def archive(tmp_path) -> Path:
    path = tmp_path / "upload.zip"
    path.write_bytes(packed(good()))
    return path


@pytest.fixture
def quickly(settings) -> None:
    """Not asked the golden set: what these tests look at happens before or after."""
    settings.CLASSIFIER_FITNESS = "tests.servers.engine.require_fit"


@pytest.fixture
def version(archive, quickly) -> ModelVersion:
    return model_upload(archive=archive).version


def unpacked(folder: Path, model_id: str = "hostile", **changes) -> Path:
    directory = folder / model_id
    directory.mkdir(parents=True)
    for name, data in vouched(good(), id=model_id, **changes).items():
        (directory / name).write_bytes(data)
    return directory


def stored() -> list[str]:
    return list(storage.list_keys("models"))


# Coming in


def test_an_uploaded_model_is_a_candidate_in_the_folder_and_in_the_store(archive, models, people):
    taken = model_upload(archive=archive, actor=people.administrator)
    version = taken.version
    assert (taken.new, version.state) == (True, ModelState.CANDIDATE)
    assert version.registered_by == people.administrator
    assert stored() == [version.bundle_key]
    kept = storage.read_verified(version.bundle_key, sha256=version.bundle_sha256)
    assert kept == archive.read_bytes()
    assert find_model("hostile", [models]).is_dir()
    assert not list((models / ".incoming").iterdir())
    event = AuditEvent.objects.get(action="model.registered")
    assert event.data["manifest_sha256"] == version.manifest_sha256
    assert event.actor_id == people.administrator.pk


def test_the_same_files_again_are_the_same_version(archive, version):
    again = model_upload(archive=archive)
    assert (again.new, again.version) == (False, version)
    assert stored() == [version.bundle_key]


def test_other_files_under_a_known_id_are_refused(archive, version, models):
    archive.write_bytes(packed(vouched(good(), created="2027-01-01")))
    with pytest.raises(ModelError, match="already, with other files"):
        model_upload(archive=archive)
    assert stored() == [version.bundle_key]
    assert model_directory(version) == models / "hostile"


@pytest.mark.parametrize("name", ["hostile", "Hostile"])
def test_a_directory_that_lies_there_already_is_not_written_over(archive, models, quickly, name):
    (models / name).mkdir(parents=True)
    (models / name / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match="already, with other files"):
        model_upload(archive=archive)
    assert (models / name / "notes.txt").read_text() == "mine"
    assert not stored()


def test_files_that_lie_there_unregistered_are_registered(archive, models, quickly):
    unpacked(models)
    assert model_upload(archive=archive).new


def test_a_folder_in_the_zip_file_makes_no_difference(archive, quickly):
    archive.write_bytes(packed({f"any/{name}": data for name, data in good().items()}))
    assert model_upload(archive=archive).new


def test_a_file_above_the_limit_is_refused(archive, settings):
    settings.MODEL_UPLOAD_LIMIT = 1024
    with pytest.raises(ModelError, match="larger than the 0 MB"):
        model_upload(archive=archive)


def test_a_store_out_of_reach_leaves_nothing(archive, models, quickly, monkeypatch):
    def fail(*_, **__):
        raise StorageUnavailable("The store is out of reach.")

    monkeypatch.setattr(storage, "write_once", fail)
    with pytest.raises(StorageUnavailable):
        model_upload(archive=archive)
    assert not (models / "hostile").exists()


def test_a_registration_that_fails_takes_the_files_away_again(
    archive, models, quickly, monkeypatch
):
    def fail(**_):
        raise ModelError("No.")

    monkeypatch.setattr(uploads, "model_register", fail)
    with pytest.raises(ModelError):
        model_upload(archive=archive)
    assert not stored()
    assert not (models / "hostile").exists()


def test_where_the_database_went_away_the_files_stay(archive, models, quickly, monkeypatch):
    def fail(**_):
        raise DatabaseError("gone")

    monkeypatch.setattr(uploads, "model_register", fail)
    with pytest.raises(DatabaseError):
        model_upload(archive=archive)
    assert stored()
    assert (models / "hostile").is_dir()


def test_the_record_says_why_and_names_no_file(archive):
    archive.write_bytes(packed({**good(), "figures/Erika-Mustermann.jpg": b"x"}))
    with pytest.raises(ModelError, match="Mustermann"):
        model_upload(archive=archive)
    reason = AuditEvent.objects.get(action="model.refused").data["reason"]
    assert reason == "A model may not have a file (a name)."


# Every machine


def test_a_machine_without_the_files_fetches_them(version, models):
    shutil.rmtree(models)
    assert loading.model_for(version).manifest.sha256 == version.manifest_sha256
    assert not list((models / ".incoming").iterdir())


def test_two_machines_that_fetch_at_once_get_the_same(version, models, monkeypatch):
    from classifier.registry import files

    shutil.rmtree(models)
    real = files.unpack

    def slower(archive, into):
        manifest = real(archive, into)
        shutil.copytree(into, models / "hostile")  # another process was faster
        return manifest

    monkeypatch.setattr(files, "unpack", slower)
    assert model_directory(version) == models / "hostile"


def test_a_damaged_bundle_is_not_used(version, models):
    shutil.rmtree(models)
    storage.local_path(version.bundle_key).write_bytes(b"another")
    with pytest.raises(ModelError, match="could not be fetched"):
        model_directory(version)


def test_files_that_were_changed_are_not_replaced_in_silence(version, models):
    path = models / "hostile" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "created": "2027"}))
    with pytest.raises(ModelError, match="not those that were registered"):
        model_directory(version)


def test_the_sweep_of_orphans_leaves_what_a_version_points_to(version):
    from datetime import timedelta

    key = storage.new_key("models", ".zip")
    storage.write_once(key, b"", sha256=storage.hashlib.sha256(b"").hexdigest())
    assert list(orphans_found(older_than=timedelta(seconds=-5))) == [key]


def test_a_stored_model_that_is_gone_is_found_by_the_nightly_check(version):
    def lost():
        return next(one for one in verify_invariants() if one.code == "I1")

    assert (lost().checked, lost().broken) == (1, 0)
    storage.delete(version.bundle_key)
    assert lost().examples == ["model hostile: picture_missing"]


# Directories


def test_a_directory_elsewhere_is_packed_and_taken_in(tmp_path, models, quickly):
    taken = model_take_in(directory=unpacked(tmp_path / "elsewhere"))
    assert taken.version.bundle_key
    assert (models / "hostile").is_dir()


def test_a_directory_of_the_models_folder_is_checked_and_stays(models):
    directory = unpacked(models)
    assert not model_take_in(directory=directory).version.bundle_key


def test_a_directory_that_is_not_fit_is_refused(models):
    directory = unpacked(models)
    (directory / "golden.json").unlink()
    with pytest.raises(ModelError):
        model_take_in(directory=directory)
    assert not ModelVersion.objects.exists()


# Aliases and retirement


def test_an_alias_stands_for_a_version_and_later_for_another(version, tmp_path, quickly, people):
    alias = model_alias_set(version=version, name=" Trial-1", actor=people.administrator)
    assert (alias.name, version_named("trial-1")) == ("trial-1", version)
    newer = model_take_in(directory=unpacked(tmp_path / "x", "newer")).version
    model_alias_set(version=newer, name="trial-1", actor=people.administrator)
    assert version_named("trial-1") == newer
    assert version_named("newer") == newer
    events = AuditEvent.objects.filter(action="model.alias_set").order_by("sequence")
    assert [event.data["before"] for event in events] == ["", "hostile"]
    model_alias_remove(name="trial-1", actor=people.administrator)
    model_alias_remove(name="trial-1", actor=people.administrator)
    assert version_named("trial-1") is None
    assert AuditEvent.objects.filter(action="model.alias_removed").count() == 1


def test_setting_the_same_alias_again_is_quiet(version):
    model_alias_set(version=version, name="trial")
    model_alias_set(version=version, name="trial")
    assert AuditEvent.objects.filter(action="model.alias_set").count() == 1


@pytest.mark.parametrize("name", ["", "-a", "a b", "ä", "a" * 41, "a/b", "hostile", "HOSTILE"])
def test_what_cannot_be_an_alias_is_refused(version, name):
    with pytest.raises(AliasRefused):
        model_alias_set(version=version, name=name)
    assert not ModelAlias.objects.exists()


def test_a_candidate_is_retired_once_and_audited(version, people):
    model_retire(version=version, actor=people.administrator)
    model_retire(version=version, actor=people.administrator)
    version.refresh_from_db()
    assert version.state == ModelState.RETIRED
    event = AuditEvent.objects.get(action="model.retired")
    assert event.data["manifest_sha256"] == version.manifest_sha256


def test_the_active_model_is_never_retired(version):
    model_activate(version=version)
    with pytest.raises(RetireRefused, match="active model"):
        model_retire(version=version)


def test_one_that_waits_for_a_second_administrator_is_not_retired(version, people):
    Promotion.objects.create(
        version=version, state=PromotionState.WAITING, asked_by=people.administrator
    )
    with pytest.raises(RetireRefused, match="second administrator"):
        model_retire(version=version)


# The command


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("register_model", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_takes_a_zip_file_and_gives_it_an_alias(archive, quickly):
    assert "hostile: candidate" in run(str(archive), "--alias", "trial")
    assert version_named("trial").model_id == "hostile"


@pytest.mark.parametrize(("data", "sentence"), [(b"", "is no zip file"), (None, "There is no")])
def test_the_command_says_what_is_wrong(archive, data, sentence):
    archive.unlink()
    if data is not None:
        archive.write_bytes(data)
    with pytest.raises(CommandError, match=sentence):
        run(str(archive))
