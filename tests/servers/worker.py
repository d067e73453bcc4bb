"""Real Celery workers and beat as processes of their own, to be stopped in every way."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.servers.valkey import wait_until

ROOT = Path(__file__).resolve().parents[2]
QUEUES = "stat,routine,background,shadow"


class Process:
    """One program in a session of its own; its children die with it."""

    def __init__(self, command: list[str], *, log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        self.start_offset = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        with self.log.open("rb") as file:
            file.seek(self.start_offset)
            return file.read().decode(errors="replace")

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """SIGKILL for the program and all its children at once, as a power cut does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        """As a machine that is suspended or starved: nothing of it moves until ``thaw``."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def terminate(self, *, seconds: float = 60) -> int:
        self.process.terminate()
        return self.process.wait(timeout=seconds)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.kill()


class Worker(Process):
    def __init__(
        self, *, log: Path, environment: Mapping[str, str], name: str = "w", concurrency: int = 1
    ) -> None:
        command = [
            sys.executable, "-m", "celery", "-A", "telemed", "worker", "-Q", QUEUES,
            "--concurrency", str(concurrency), "-O", "fair", "--pool", "prefork",
            "-n", f"{name}@test", "-l", "INFO", "--without-gossip", "--without-mingle",
        ]  # fmt: skip
        super().__init__(command, log=log, environment=environment)

    def ready(self, *, seconds: float = 90) -> "Worker":
        """Wait until it takes work; fails with its last words when it has died."""

        def up() -> bool:
            assert self.process.poll() is None, self.said()[-3000:]
            return " ready." in self.said()

        wait_until(up, seconds=seconds, what="the worker is ready")
        return self


class Beat(Process):
    def __init__(self, *, log: Path, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "celery", "-A", "telemed", "beat", "-l", "INFO"]
        command += ["--pidfile", ""]
        super().__init__(command, log=log, environment=environment)
