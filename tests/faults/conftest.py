"""A laboratory: database, files, broker and workers of the test's own, shared between processes."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.utils import load_backend

from classifier import dispatch, loading, tasks
from classifier.choices import OPEN_STATES
from classifier.invariants import verify
from classifier.models import Prediction
from classifier.registry import model_activate, model_register
from telemed.celery import app
from tests import factories
from tests.servers import engine
from tests.servers.valkey import Valkey, wait_until
from tests.servers.worker import Beat, Process, Worker

SQLITE = django_settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
TASK_SECONDS = 6
# Short, so that a test need not wait; the order is the product's own:
# renewal < lease, lease < hard limit < visibility timeout (three times the limit).
SECONDS = {
    "TELEHEME_LEASE_SECONDS": "3",
    "TELEHEME_REPUBLISH_SECONDS": "2",
    "TELEHEME_SWEEP_SECONDS": "1",
    "TELEHEME_TASK_SECONDS": str(TASK_SECONDS),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(300))
            if not SQLITE:
                item.add_marker(pytest.mark.django_db(transaction=True))


@dataclass
class Laboratory:
    directory: Path
    valkey: Valkey
    people: factories.People
    environment: dict[str, str]
    processes: list[Process] = field(default_factory=list)

    def worker(self, name: str = "w", *, concurrency: int = 1, **environment: str) -> Worker:
        worker = Worker(
            log=self.directory / f"{name}.log",
            environment={**self.environment, **environment},
            name=name,
            concurrency=concurrency,
        )
        self.processes.append(worker)
        return worker

    def beat(self) -> Beat:
        beat = Beat(log=self.directory / "beat.log", environment=self.environment)
        self.processes.append(beat)
        return beat

    def send(self, task: str, *, queue: str, **kwargs: object) -> None:
        """A message of the test's own, on a connection of its own."""
        with app.connection_for_write() as connection:
            app.send_task(task, kwargs=kwargs, queue=queue, connection=connection)

    def log(self, name: str = "w") -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def wait_until_nothing_is_open(self, *, seconds: float = 120) -> None:
        wait_until(
            lambda: not Prediction.objects.filter(state__in=OPEN_STATES).exists(),
            seconds=seconds,
            what="every row has its end",
        )

    def all_hold(self) -> None:
        """The oracle of every test here."""
        broken = {finding.code: finding.examples for finding in verify() if finding.broken}
        assert broken == {}

    def stop(self) -> None:
        for process in self.processes:
            process.stop()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory) -> Path:
    """An empty SQLite database with every table."""
    path = tmp_path_factory.mktemp("database") / "empty.sqlite3"
    with _Database(path):
        call_command("migrate", interactive=False, verbosity=0)
    return path


class _Database:
    """Points this process's default connection at another file while the block runs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        self.before = connections["default"]
        self.configured = connections.databases["default"]
        own = {**self.configured, "NAME": str(self.path)}
        connections.databases["default"] = own
        backend = load_backend(own["ENGINE"])
        connections["default"] = backend.DatabaseWrapper(own, "default")

    def __exit__(self, *_: object) -> None:
        connections["default"].close()
        connections["default"] = self.before
        connections.databases["default"] = self.configured


@pytest.fixture
def _shared_database(request, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A database that other processes can open, and the environment that tells them so."""
    if SQLITE:
        blocker = request.getfixturevalue("django_db_blocker")
        with blocker.unblock():
            empty = request.getfixturevalue("migrated_file")
            path = tmp_path / "teleheme.sqlite3"
            shutil.copy(empty, path)
            with _Database(path):
                yield {}
        return
    own = connection.settings_dict
    yield {
        "DATABASE_URL": "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(
            **{
                key: quote(str(own[key] or ""), safe="")
                for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")
            }
        )
    }


@pytest.fixture
def lab(request, _shared_database, settings, tmp_path: Path, monkeypatch) -> Iterator[Laboratory]:
    settings.DATA_DIR = tmp_path
    settings.MODEL_DIRS = [tmp_path / "models"]
    settings.CLASSIFIER_RUNTIME = "tests.servers.engine.load_model"
    settings.LEASE_SECONDS = int(SECONDS["TELEHEME_LEASE_SECONDS"])
    settings.REPUBLISH_SECONDS = int(SECONDS["TELEHEME_REPUBLISH_SECONDS"])
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media"},
        },
    }
    loading.forget()
    dispatch.forget_silence()
    valkey = Valkey(tmp_path / "valkey").start()
    request.addfinalizer(valkey.stop)  # noqa: PT021 - also when the rest of this fixture fails
    for name in ("broker_url", "broker_write_url"):
        monkeypatch.setattr(app.conf, name, valkey.url)
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.servers.worker_settings",
        "TELEHEME_DATA_DIR": str(tmp_path),
        "TELEHEME_BROKER_URL": valkey.url,
        "TELEHEME_S3_BUCKET": "",  # pictures lie in the laboratory, whatever the shape
        "PYTHONUNBUFFERED": "1",
        **SECONDS,
        **_shared_database,
    }
    engine.write_model(tmp_path / "models")
    model_activate(version=model_register(directory=tmp_path / "models" / engine.MODEL_ID))
    # The time limits travel in the message, from whoever sends it.
    monkeypatch.setattr(tasks.classify_batch, "time_limit", TASK_SECONDS)
    monkeypatch.setattr(tasks.classify_batch, "soft_time_limit", 0.9 * TASK_SECONDS)
    laboratory = Laboratory(tmp_path, valkey, factories.make_people(), environment)
    yield laboratory
    laboratory.stop()
    if os.environ.get("TEST_SHOW_LOGS"):
        for path in sorted(tmp_path.glob("*.log")):
            print(f"---- {path.name}\n{path.read_text(errors='replace')[-6000:]}")
