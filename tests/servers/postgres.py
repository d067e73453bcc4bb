"""A throw-away PostgreSQL cluster: its own directory, a unix socket, no network.

It survives no power cut (no fsync). With ``durable=True`` every commit reaches the kernel before it is
acknowledged, so that a crash of the server alone loses none.
"""

import contextlib
import os
import pwd
import secrets
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

INSTALL = "apt-get update && apt-get install -y --no-install-recommends postgresql"
USER = "teleheme"


class Postgres:
    """``start()``, then ``url``; ``stop()`` takes the cluster and its files away.

    ``crash()`` ends the server as a power switch would, and ``start_again()`` lets it recover.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self.durable = durable
        self.binaries = find_binaries()
        # A short path: unix sockets are limited to 108 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="th-pg-", dir="/tmp"))
        self.password = secrets.token_hex(8)
        self.started = False

    def start(self) -> "Postgres":
        self._give_to_postgres()
        secret = self.directory / "password"
        self._run("sh", "-c", f"umask 077; echo {self.password} > {secret}")
        self._run(
            *(self.binaries / "initdb", "-D", self.directory / "data", "-U", USER),
            *("-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--locale", "C.UTF-8"),
            *("--no-sync",),
        )
        self.start_again()
        self._end_with_this_process()
        return self

    def start_again(self) -> None:
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={self.directory} -c fsync=off "
            f"-c full_page_writes=off -c synchronous_commit={'on' if self.durable else 'off'} "
            "-c max_connections=60"
        )
        self._control("start", "-l", self.directory / "log", "-o", options)
        self.started = True

    def crash(self) -> None:
        self._control("stop", "-m", "immediate")
        self.started = False

    def _end_with_this_process(self) -> None:
        """A killed test run must not leave a server behind, and pg_ctl's child outlives everybody."""
        stop = shlex.join([str(self.binaries / "pg_ctl"), "-D", str(self.directory / "data")])
        watch = (
            f"while [ -d /proc/{os.getpid()} ]; do sleep 1; done; "
            f"{stop} -m immediate stop; rm -rf {shlex.quote(str(self.directory))}"
        )
        if self.owner:
            watch = f"setpriv --reuid={self.owner.pw_uid} --clear-groups sh -c {shlex.quote(watch)}"
        self.watch = subprocess.Popen(
            ["sh", "-c", watch],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def url(self, database: str = "postgres") -> str:
        host = quote(str(self.directory), safe="")
        return f"postgres://{USER}:{self.password}@{host}:5432/{database}"

    def create_database(self, name: str) -> str:
        """A new, empty database; its address."""
        self.psql("postgres", f'CREATE DATABASE "{name}"')
        return self.url(name)

    def psql(self, database: str, statement: str) -> str:
        return self._run(
            *(self.binaries / "psql", "-h", self.directory, "-U", USER, "-d", database),
            *("-v", "ON_ERROR_STOP=1", "-Atc", statement),
        )

    def drop_connections(self, database: str) -> int:
        """End every session on this database; how many there were."""
        ended = self.psql(
            "postgres",
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            f"WHERE datname = '{database}'",
        )
        return int(ended)

    def stop(self, *, mode: str = "immediate") -> None:
        if self.started:
            with contextlib.suppress(subprocess.CalledProcessError):
                self._control("stop", "-m", mode)
            self.started = False
        shutil.rmtree(self.directory, ignore_errors=True)

    def _control(self, *arguments: object) -> None:
        self._run(self.binaries / "pg_ctl", "-w", "-D", self.directory / "data", *arguments)

    def _give_to_postgres(self) -> None:
        """PostgreSQL refuses to run as root; then it runs as the user that its package made."""
        self.owner = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if self.owner:
            os.chown(self.directory, self.owner.pw_uid, self.owner.pw_gid)

    def _run(self, *command: object) -> str:
        identity: dict[str, Any] = {}
        if self.owner:
            identity = {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}
        # To a file, not a pipe: the server that pg_ctl leaves behind would hold a pipe open.
        with tempfile.TemporaryFile() as output:
            status = subprocess.run(
                [str(word) for word in command],
                cwd=self.directory,
                env={**os.environ, "PGPASSWORD": self.password},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **identity,
            ).returncode
            output.seek(0)
            text = output.read().decode(errors="replace")
        if status:
            log = self.directory / "log"
            more = log.read_text() if log.is_file() else ""
            raise RuntimeError(f"{command[0]} ended with status {status}:\n{text}\n{more}")
        return text.strip()


def find_binaries() -> Path:
    """The newest server's folder of programs. Raises RuntimeError with the command that installs it."""
    places = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name)
    )
    on_path = shutil.which("initdb")
    if on_path:
        places.append(Path(on_path).resolve().parent)
    for place in places:
        if (place / "initdb").is_file() and (place / "pg_ctl").is_file():
            return place
    raise RuntimeError(f"The tests on PostgreSQL need its server. As root: {INSTALL}")
