"""What must work before people are sent to this process: one word each, no detail for strangers.

The queue server is reported and does not decide: an upload succeeds without it, and the sweep sends
the work on when it is back (docs/architecture.md).
"""

import logging
import os
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

logger = logging.getLogger(__name__)
OK = "ok"
ADVISORY = frozenset({"queue"})


def checks() -> dict[str, str]:
    """``{"database": "ok", ...}``; anything but "ok" is a word for what is wrong, logged in full."""
    questions: dict[str, Callable[[], str]] = {
        "database": _database,
        "migrations": _migrations,
        "storage": _storage,
        "model": _model,
        "queue": _queue,
    }
    return {name: _answer(name, question) for name, question in questions.items()}


def is_ready(answers: dict[str, str]) -> bool:
    return all(state == OK for name, state in answers.items() if name not in ADVISORY)


def _answer(name: str, question: Callable[[], str]) -> str:
    try:
        return question()
    except Exception:
        # Whatever is broken, a health check answers; the log has the reason.
        logger.warning("health check %s failed", name, exc_info=True)
        return "unreachable"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    loader = MigrationExecutor(connection).loader
    return frozenset(loader.graph.nodes)


def _migrations() -> str:
    """Every migration of this code is in the database; one of newer code does not matter."""
    applied = set(MigrationRecorder(connection).applied_migrations())
    return OK if _known_migrations() <= applied else "pending"


def _storage() -> str:
    if settings.S3_BUCKET:
        default_storage.connection.meta.client.head_bucket(Bucket=settings.S3_BUCKET)  # type: ignore[attr-defined]
        return OK
    probe = Path(default_storage.path(f".probe-{os.getpid()}-{secrets.token_hex(4)}"))
    probe.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    probe.write_bytes(b"x")
    probe.unlink()
    return OK


def _model() -> str:
    from classifier.choices import ModelState
    from classifier.models import ModelVersion

    return OK if ModelVersion.objects.filter(state=ModelState.ACTIVE).exists() else "none active"


def _queue() -> str:
    """One short, quiet attempt on a connection of its own."""
    from telemed.celery import app

    options = {"socket_timeout": 1, "socket_connect_timeout": 1}
    with app.connection_for_write(transport_options=options) as wire:
        wire.ensure_connection(max_retries=1, timeout=1)
        wire.default_channel.client.ping()  # type: ignore[attr-defined]  # kombu's Redis channel
    return OK
