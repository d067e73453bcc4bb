"""A laboratory: database, files, broker and workers of the test's own, shared between processes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from classifier import dispatch, loading, tasks
from classifier.choices import OPEN_STATES
from classifier.invariants import verify
from classifier.models import Prediction
from classifier.registry import model_activate, model_register
from telemed.celery import app
from tests import factories
from tests.servers import engine
from tests.servers.database import PostgresCluster, SqliteFiles
from tests.servers.postgres import Postgres
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


@dataclass
class Laboratory:
    directory: Path
    valkey: Valkey
    people: factories.People
    environment: dict[str, str]
    cluster: Postgres | None  # None where the database is a file
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


def limit_sent_tasks(monkeypatch, seconds: float) -> None:
    """The time limits travel in the message, from whoever sends it: here from this process."""
    task = tasks.classify_batch
    monkeypatch.setattr(task, "time_limit", seconds)
    monkeypatch.setattr(task, "soft_time_limit", 0.9 * seconds)
    monkeypatch.setattr(task, "_exec_options", None)  # where Celery remembers them


@pytest.fixture(scope="session")
def databases(tmp_path_factory, django_db_blocker) -> Iterator[SqliteFiles | PostgresCluster]:
    with django_db_blocker.unblock():
        made = SqliteFiles(tmp_path_factory.mktemp("database")) if SQLITE else PostgresCluster()
        yield made
        made.stop()


@pytest.fixture
def _shared_database(databases, django_db_blocker, tmp_path: Path) -> Iterator[dict[str, str]]:
    with django_db_blocker.unblock(), databases.new(tmp_path) as environment:
        yield environment


@pytest.fixture
def lab(
    request, databases, _shared_database, settings, tmp_path: Path, monkeypatch
) -> Iterator[Laboratory]:
    settings.DATA_DIR = tmp_path
    settings.MODEL_DIRS = [tmp_path / "models"]
    settings.CLASSIFIER_RUNTIME = "tests.servers.engine.load_model"
    settings.CLASSIFIER_FITNESS = "tests.servers.engine.require_fit"
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
    limit_sent_tasks(monkeypatch, TASK_SECONDS)
    laboratory = Laboratory(
        tmp_path, valkey, factories.make_people(), environment, databases.cluster
    )
    yield laboratory
    laboratory.stop()
    if os.environ.get("TEST_SHOW_LOGS"):
        for path in sorted(tmp_path.glob("*.log")):
            print(f"---- {path.name}\n{path.read_text(errors='replace')[-6000:]}")
