"""Loaded before Django (``-p tests.environment``): this run's own data directory and servers.

``TELEHEME_TEST_SHAPE=server`` runs the suite on PostgreSQL and S3 instead of SQLite and files. The
servers belong to the first process; the processes that pytest-xdist starts inherit their addresses.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

SHAPES = ("local", "server")
SHAPE = os.environ.get("TELEHEME_TEST_SHAPE", "local")
_SERVERS = "TELEHEME_TEST_SERVERS"  # set for the processes that must not start their own
_NOT_OURS = (
    *("TELEHEME_MODE", "TELEHEME_DEBUG", "TELEHEME_HOSTS", "TELEHEME_BROKER_URL", "DATABASE_URL"),
    *("TELEHEME_S3_BUCKET", "TELEHEME_S3_PUBLIC_ORIGIN", "TELEHEME_SECRET_KEY"),
    *("TELEHEME_BASE_URL", "TELEHEME_SMTP_HOST", "TELEHEME_STATIC_ROOT"),
)


def _own_directory() -> None:
    directory = tempfile.mkdtemp(prefix="teleheme-test-")
    Path(directory, "static").mkdir()  # WhiteNoise warns where there is none
    os.environ["TELEHEME_DATA_DIR"] = directory
    atexit.register(shutil.rmtree, directory, ignore_errors=True)


def _servers() -> None:
    from tests.servers.postgres import Postgres
    from tests.servers.s3 import S3

    postgres = Postgres()
    atexit.register(postgres.stop)
    postgres.start()
    s3 = S3().start()
    atexit.register(s3.stop)
    os.environ.update(s3.environment, DATABASE_URL=postgres.url())


if SHAPE not in SHAPES:
    raise SystemExit(f"TELEHEME_TEST_SHAPE is one of {', '.join(SHAPES)}, not {SHAPE!r}.")
_own_directory()
if os.environ.get(_SERVERS) != SHAPE:
    for _name in _NOT_OURS:
        os.environ.pop(_name, None)
    if SHAPE == "server":
        _servers()
    os.environ[_SERVERS] = SHAPE
if SHAPE == "server":
    from tests.servers.s3 import own_bucket

    own_bucket()
