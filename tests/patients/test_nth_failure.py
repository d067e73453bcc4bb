"""The n-th call fails, for n = 1 until nothing is left to fail: never a half state."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection

from audit.models import AuditEvent
from patients import ports, storage
from patients.choices import CaseStatus
from patients.models import SmearImage
from patients.services import case_submit, image_blank, image_receive
from patients.storage import StorageUnavailable
from tests import factories
from tests.patients import pictures

MANY = 200  # more calls than any of these services makes


class Fuse:
    """Blows at the n-th call that passes through it."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.blown = False

    def pass_through(self, error: Exception) -> None:
        self.left -= 1
        if self.left == 0:
            self.blown = True
            raise error


@contextmanager
def failing(fuse: Fuse, monkeypatch: pytest.MonkeyPatch, reading: Any) -> Iterator[None]:
    """Every statement, every call of the store and every call of a reader passes the fuse."""

    def statement(execute: Callable, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("ROLLBACK", "SAVEPOINT", "RELEASE")):
            fuse.pass_through(OperationalError("the database went away"))
        return execute(sql, params, many, context)

    def guarded(function: Callable) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            fuse.pass_through(StorageUnavailable("the store went away"))
            return function(*args, **kwargs)

        return call

    class Fused:
        def images_received(self, **kwargs: Any) -> None:
            fuse.pass_through(RuntimeError("the reader fell over"))
            reading.images_received(**kwargs)

        def image_removed(self, **kwargs: Any) -> None:
            fuse.pass_through(RuntimeError("the reader fell over"))
            reading.image_removed(**kwargs)

    with monkeypatch.context() as patch, connection.execute_wrapper(statement):
        patch.setattr(ports, "_readings", [Fused()])
        for name in ("write_once", "read_verified", "delete"):
            patch.setattr(storage, name, guarded(getattr(storage, name)))
        yield


def until_it_succeeds(act: Callable[[], Any], check: Callable[[], None], **how: Any) -> int:
    """Run ``act`` with the n-th call failing, n = 1 until it succeeds; ``check`` after each failure.
    Returns how many calls could fail."""
    for n in range(1, MANY):
        fuse = Fuse(n)
        try:
            with failing(fuse, how["monkeypatch"], how["reading"]):
                act()
        except (OperationalError, StorageUnavailable, RuntimeError):
            connection.close()
            check()
            continue
        if not fuse.blown:
            return n - 1
        check()  # a failure that was survived must not have left a half state either
        return n
    raise AssertionError("it never succeeds")


def files() -> set[str]:
    return {key for prefix in ("pictures", "thumbnails") for key in storage.list_keys(prefix)}


@pytest.fixture
def case(shared_people):
    return factories.make_case(shared_people.clinician)


def test_submitting_is_all_or_nothing(shared_people, case, reading, monkeypatch):
    give = {"name": "a.png", "data": pictures.png(), "upload_key": "key-1"}
    image_receive(actor=shared_people.clinician, case=case, **give)
    events = AuditEvent.objects.count()

    def nothing_happened() -> None:
        case.refresh_from_db()
        assert (case.status, case.submitted_at) == (CaseStatus.DRAFT, None)
        assert AuditEvent.objects.count() == events

    calls = until_it_succeeds(
        lambda: case_submit(actor=shared_people.clinician, case=case),
        nothing_happened,
        monkeypatch=monkeypatch,
        reading=reading,
    )
    case.refresh_from_db()
    assert calls >= 6
    assert (case.status, case.submitted_at is None) == (CaseStatus.CLASSIFYING, False)
    assert AuditEvent.objects.count() == events + 1


def test_receiving_is_all_or_nothing(shared_people, case, reading, monkeypatch):
    type(case).objects.filter(pk=case.pk).update(
        status=CaseStatus.READY, submitted_at="2026-01-01T00:00:00Z"
    )
    events = AuditEvent.objects.count()

    def nothing_happened() -> None:
        assert SmearImage.objects.count() == 0  # files may be left over: the sweep takes them
        assert AuditEvent.objects.count() == events
        case.refresh_from_db()
        assert case.status == CaseStatus.READY

    give = {"name": "a.png", "data": pictures.png(), "upload_key": "key-1"}
    calls = until_it_succeeds(
        lambda: image_receive(actor=shared_people.clinician, case=case, **give),
        nothing_happened,
        monkeypatch=monkeypatch,
        reading=reading,
    )
    image = SmearImage.objects.get()
    case.refresh_from_db()
    assert calls >= 12
    assert {image.picture_key, image.thumbnail_key} <= files()
    assert case.status == CaseStatus.CLASSIFYING


def test_blanking_is_all_or_nothing(shared_people, case, reading, monkeypatch):
    give = {"name": "a.png", "data": pictures.png(), "upload_key": "key-1"}
    old = image_receive(actor=shared_people.clinician, case=case, **give).image
    events = AuditEvent.objects.count()

    def nothing_happened() -> None:
        assert list(SmearImage.objects.present()) == [old]
        assert SmearImage.objects.count() == 1
        assert AuditEvent.objects.count() == events

    until_it_succeeds(
        lambda: image_blank(actor=shared_people.clinician, image=old, box=(0, 0, 9, 9)),
        nothing_happened,
        monkeypatch=monkeypatch,
        reading=reading,
    )
    new = SmearImage.objects.present().get()
    assert (new.position, new.pk != old.pk) == (old.position, True)
    assert {new.picture_key, new.thumbnail_key} <= files()
