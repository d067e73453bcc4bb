"""Reading the environment: every setting that differs between one machine and production."""

import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# Unix socket paths are limited to 108 bytes on Linux (unix(7)), the NUL included.
SOCKET_PATH_LIMIT = 100


def flag(name: str, *, default: bool = False) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off; the default when unset."""
    raw = os.environ.get(name, "").strip().lower()
    if raw == "":
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {raw!r}.")


def words(name: str, *, default: str = "") -> list[str]:
    """A comma-separated list, blanks dropped."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def unless_none(name: str, *, default: str) -> str:
    """The words themselves; empty where they are "none"."""
    given = os.environ.get(name, "").strip() or default
    return "" if given.lower() == "none" else given


def number(name: str, *, default: int) -> int:
    raw = os.environ.get(name, "").strip()
    try:
        return int(raw) if raw else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {raw!r}.") from None


def fraction(name: str, *, default: float) -> float:
    """A number from 0 to 1."""
    raw = os.environ.get(name, "").strip()
    try:
        value = float(raw) if raw else default
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ImproperlyConfigured(f"{name} must be a number from 0 to 1, not {raw!r}.")
    return value


def local_socket(data_dir: Path) -> Path:
    """Where the local queue server listens: inside the data directory if the path is short enough."""
    path = data_dir / "valkey.sock"
    if len(str(path)) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"teleheme-{os.getuid()}-{digest}.sock"


def adopt_data_dir(arguments: Sequence[str]) -> None:
    """Take quickstart's ``--data-dir`` into the environment, before the settings read it."""
    if arguments[:1] != ["quickstart"]:
        return
    for index, argument in enumerate(arguments):
        name, sign, value = argument.partition("=")
        if name == "--data-dir":
            value = value if sign else "".join(arguments[index + 1 : index + 2])
            if value:
                os.environ["TELEHEME_DATA_DIR"] = str(Path(value).expanduser().absolute())


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def local_secret_key(data_dir: Path) -> str:
    """The machine's own secret key, made on first use and readable by its owner alone.

    Where the data directory cannot be written (a one-off command), a key for this process.
    """
    path = data_dir / "secret_key"
    if written := _read(path):
        return written
    key = secrets.token_urlsafe(50)
    draft = path.with_name(f"secret_key.{os.getpid()}")
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(key)
        # A link appears whole or not at all: of two processes that start together one wins.
        os.link(draft, path)
    except OSError:
        return _read(path) or key
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return key
