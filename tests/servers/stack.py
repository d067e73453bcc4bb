"""The product itself, started the way a person starts it, and ended with certainty."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


class Stack:
    """``manage.py quickstart`` in a process of its own."""

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        port: int = 0,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.command = [sys.executable, str(ROOT / "manage.py"), "quickstart"]
        self.command += ["--port", str(port), "--data-dir", str(data_dir), *options]
        # What is set for the tests' own Django is not the product's business, but for the servers.
        self.environment = {
            name: value for name, value in os.environ.items() if name != "TELEHEME_DATA_DIR"
        }
        # The worker that trains is started only where a test asks for it.
        self.environment |= {"TELEHEME_TRAINING_WORKER": "0"} | (environment or {})
        self.output = data_dir.parent / f"{data_dir.name}-output.txt"
        self.process: subprocess.Popen[bytes] | None = None
        self.family: set[psutil.Process] = set()

    def launch(self) -> "Stack":
        """Start it and return at once."""
        self.output.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def start(self, *, seconds: float = 300) -> "Stack":
        """Start it and wait until it says that it is ready; AssertionError with its words if not."""
        self.launch()
        deadline = time.monotonic() + seconds
        while "is ready" not in self.said():
            if self.status() is not None or time.monotonic() > deadline:
                self.end()
                raise AssertionError(
                    f"quickstart did not become ready:\n{self.said()}{self.logs()}"
                )
            time.sleep(0.1)
        self.processes()
        return self

    def wait_seeded(self, *, seconds: float = 300) -> "Stack":
        """The demonstration's cases are all made."""
        deadline = time.monotonic() + seconds
        while not re.search("demonstration  *ready|cases are all there", self.said()):
            assert "could not all be made" not in self.said(), self.said() + self.logs()
            assert time.monotonic() < deadline, self.said() + self.logs()
            time.sleep(0.1)
        return self

    @property
    def address(self) -> str:
        return json.loads((self.data_dir / "lock").read_text())["address"]

    def said(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def status(self) -> int | None:
        return self.process.poll() if self.process else None

    def processes(self) -> set[psutil.Process]:
        """The supervisor and every descendant seen until now, those that still live."""
        if self.process is not None:
            with suppress(psutil.NoSuchProcess):
                supervisor = psutil.Process(self.process.pid)
                self.family |= {supervisor, *supervisor.children(recursive=True)}
        return {member for member in self.family if _lives(member)}

    def named(self, words: str) -> psutil.Process:
        """The eldest living process whose command line holds these words."""
        found = [p for p in self.processes() if words in " ".join(p.cmdline())]
        assert found, f"no process with {words!r} in its command line"
        return min(found, key=lambda process: process.create_time())

    def get(self, path: str) -> tuple[int, str]:
        """Status and text; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.status, answer.read().decode()
        except OSError:
            return 0, ""

    def call(self, function: str, *arguments: str) -> str:
        """Call ``module:function`` with these words in a process of its own, on the product's data;
        what it printed."""
        module, name = function.split(":")
        words = ", ".join(repr(argument) for argument in arguments)
        code = f"from {module} import {name}; {name}({words})"
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c", code],
            cwd=ROOT,
            env={**self.environment, "TELEHEME_DATA_DIR": str(self.data_dir)},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def ask_to_stop(self, number: int = signal.SIGINT) -> None:
        assert self.process is not None
        self.processes()
        self.process.send_signal(number)

    def wait_ended(self, *, seconds: float = 90) -> int:
        """The exit status, once no process of it is left; AssertionError names those that are."""
        assert self.process is not None
        status = self.process.wait(timeout=seconds)
        deadline = time.monotonic() + 20
        while left := self.processes():
            if time.monotonic() > deadline:
                raise AssertionError(f"left behind: {[p.cmdline() for p in left]}")
            time.sleep(0.05)
        return status

    def end(self) -> None:
        """Orderly if it can, by force if it cannot."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.ask_to_stop(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=90)
        for member in self.processes():
            with suppress(psutil.NoSuchProcess):
                member.kill()
        self.process.wait()

    def logs(self) -> str:
        parts = []
        for log in sorted((self.data_dir / "logs").glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-25:]
            parts.append(f"\n== {log.name}\n" + "\n".join(lines))
        return "".join(parts)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
