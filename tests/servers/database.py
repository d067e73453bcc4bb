"""Migrated databases of a test's own, which other processes can open too: SQLite or PostgreSQL."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.management import call_command
from django.db import connections
from django.db.utils import load_backend

from tests.servers.postgres import Postgres

_numbers = itertools.count(1)


@contextmanager
def default_database(**own: Any) -> Iterator[None]:
    """Point this process's default connection at another database while the block runs."""
    before, configured = connections["default"], connections.databases["default"]
    settings = {**configured, **own}
    connections.databases["default"] = settings
    connections["default"] = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = before
        connections.databases["default"] = configured


def migrate() -> None:
    call_command("migrate", interactive=False, verbosity=0)


class SqliteFiles:
    """Copies of one migrated file."""

    cluster: Postgres | None = None

    def __init__(self, directory: Path) -> None:
        self.empty = directory / "empty.sqlite3"
        with default_database(NAME=str(self.empty)):
            migrate()

    @contextmanager
    def new(self, directory: Path) -> Iterator[dict[str, str]]:
        """The environment that other programs find the new database by."""
        path = directory / "teleheme.sqlite3"  # where the settings look for it
        shutil.copy(self.empty, path)
        with default_database(NAME=str(path)):
            yield {"DATABASE_URL": ""}

    def stop(self) -> None:
        pass


class PostgresCluster:
    """Copies of one migrated database, in a cluster that may be crashed."""

    def __init__(self) -> None:
        self.cluster = Postgres(durable=True).start()
        with default_database(**_place(self.cluster.create_database("empty"))):
            migrate()

    @contextmanager
    def new(self, directory: Path) -> Iterator[dict[str, str]]:
        """The environment that other programs find the new database by."""
        name = f"lab_{next(_numbers)}"
        self.cluster.psql("postgres", f"CREATE DATABASE {name} TEMPLATE empty")
        url = self.cluster.url(name)
        with default_database(**_place(url)):
            yield {"DATABASE_URL": url}

    def stop(self) -> None:
        self.cluster.stop()


def _place(url: str) -> dict[str, Any]:
    parts = dj_database_url.parse(url)
    return {name: parts[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
