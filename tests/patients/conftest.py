"""People, drafts and pictures, and a database that threads can share."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.utils import load_backend
from django.test import Client

from patients import ports
from patients.models import Case, SmearImage
from patients.services import case_submit, image_receive
from tests import factories
from tests.patients import pictures

_keys = itertools.count(1)


@pytest.fixture(autouse=True)
def _quick_passwords(quick_passwords) -> None:
    """Nobody signs in by password here, and Argon2 takes its time on purpose."""


@pytest.fixture
def draft(people: factories.People) -> Case:
    return factories.make_case(people.clinician)


@pytest.fixture
def receive(people: factories.People) -> Callable[..., SmearImage]:
    """Put picture ``number`` into a case and return its row."""

    def _receive(case: Case, number: int = 1, **more: Any) -> SmearImage:
        given = {
            "name": f"{number}.png",
            "data": pictures.png(number),
            "upload_key": f"key-{next(_keys):08}",
        } | more
        return image_receive(actor=people.clinician, case=case, **given).image

    return _receive


@pytest.fixture
def submitted(people: factories.People, draft: Case, receive: Callable[..., SmearImage]) -> Case:
    receive(draft, 1)
    return case_submit(actor=people.clinician, case=draft)


@pytest.fixture
def sign_in() -> Callable[..., Client]:
    def _sign_in(user: Any, **options: Any) -> Client:
        client = Client(**options)
        client.force_login(user)
        return client

    return _sign_in


class Reading:
    """Writes down what the readers are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def images_received(self, *, case: Any, images: Any) -> None:
        self.told.append(("received", [image.pk for image in images]))

    def image_removed(self, *, image: Any) -> None:
        self.told.append(("removed", image.pk))

    def case_withdrawn(self, *, case: Any) -> None:
        self.told.append(("withdrawn", case.pk))


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    """The only reader: the classifier is not asked."""
    only = Reading()
    monkeypatch.setattr(ports, "_readings", [only])
    return only


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """A committed database that threads share: on SQLite a file, as in real life, because
    connections to a database in memory refuse instead of waiting."""
    if connection.vendor != "sqlite":
        yield
        return
    path = tmp_path / "threads.sqlite3"
    connection.ensure_connection()
    copy = sqlite3.connect(path)
    connection.connection.backup(copy)
    copy.close()
    before, configured = connections["default"], connections.databases["default"]
    own = {**configured, "NAME": str(path)}
    connections.databases["default"] = own
    connections["default"] = load_backend(own["ENGINE"]).DatabaseWrapper(own, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = before
        connections.databases["default"] = configured


@pytest.fixture
def shared_people(shared_database: None) -> factories.People:
    return factories.make_people()
