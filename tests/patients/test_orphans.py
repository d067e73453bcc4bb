"""Files without a row go after an hour; files with one, and young ones, stay."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError

from audit.models import AuditEvent
from patients import storage
from patients.models import SmearImage
from patients.services import image_remove
from patients.services.orphans import orphans_sweep
from patients.tasks import sweep_orphan_pictures

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_hours_later(monkeypatch) -> None:
    """The store says that everything was written two hours ago."""
    listed = storage.list_stored

    def older(prefix: str) -> Iterator[storage.StoredFile]:
        return (
            file._replace(modified=file.modified - timedelta(hours=2)) for file in listed(prefix)
        )

    monkeypatch.setattr(storage, "list_stored", older)


def leave_behind(data: bytes = b"left behind") -> str:
    key = storage.new_key("pictures", ".png")
    storage.write_once(key, data, sha256=hashlib.sha256(data).hexdigest())
    return key


def exist(*keys: str) -> bool:
    found = {key for prefix in ("pictures", "thumbnails") for key in storage.list_keys(prefix)}
    return set(keys) <= found


def test_the_sweep_takes_what_no_row_points_to(people, draft, receive):
    kept, removed = receive(draft, 1), receive(draft, 2)
    image_remove(actor=people.clinician, image=removed)
    orphans_sweep()  # what earlier tests left
    orphan = leave_behind()
    sweep_orphan_pictures()
    assert not exist(orphan)
    for image in (kept, removed):
        assert exist(image.picture_key, image.thumbnail_key)
    assert AuditEvent.objects.filter(action="image.orphans_swept").last().data["files"] == 1


def test_what_was_written_a_moment_ago_may_get_its_row_yet(monkeypatch):
    orphan = leave_behind()
    assert orphans_sweep(older_than=timedelta(hours=3)) == 0
    assert exist(orphan)
    assert not AuditEvent.objects.filter(action="image.orphans_swept").exists()


@pytest.mark.parametrize("error", [OperationalError, DatabaseError])  # psycopg2 says either
def test_a_receipt_whose_commit_is_unknown_leaves_its_files_to_the_sweep(
    people, draft, receive, monkeypatch, error
):
    from patients.services import images

    def gone(*args, **kwargs):
        raise error("server closed the connection unexpectedly")

    orphans_sweep()
    with monkeypatch.context() as patch:
        patch.setattr(images, "_enter", gone)
        with pytest.raises(error):
            receive(draft, 1)
    assert SmearImage.objects.count() == 0
    assert orphans_sweep() == 2


def test_the_command_lists_first_and_removes_when_told():
    orphan = leave_behind()
    out = StringIO()
    call_command("sweep_orphans", "--dry-run", stdout=out)
    assert orphan in out.getvalue()
    assert exist(orphan)
    call_command("sweep_orphans", stdout=out)
    assert not exist(orphan)
    with pytest.raises(CommandError):
        call_command("sweep_orphans", "--older-than", "0")
