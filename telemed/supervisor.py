"""Keeps a few programs running on one machine, and leaves none behind.

Each program leads its own process group, so that Ctrl-C in a terminal reaches the supervisor alone
and the stop is orderly. The kernel ends the programs should the supervisor itself be killed.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)
TICK = 0.1  # seconds between looks at the programs
STEADY_AFTER = 60.0  # seconds after which an earlier death no longer counts
DEATHS_ALLOWED = 5
_libc = ctypes.CDLL(None)  # looked up before any fork


class ProgramFailed(Exception):
    """A program that dies again and again; the sentence names its log."""


@dataclass
class Program:
    """One program to keep running.

    ``stop_signal`` asks for its orderly end, within ``patience`` seconds; ``orphan_signal`` is what
    the kernel sends it when the supervisor dies first. ``keep`` are file descriptors it inherits.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    directory: Path
    patience: float = 15.0
    stop_signal: int = signal.SIGTERM
    orphan_signal: int = signal.SIGKILL
    keep: tuple[int, ...] = ()

    process: subprocess.Popen | None = None
    started: float = 0.0
    due: float = 0.0  # monotonic time of the next start after a death
    deaths: deque[float] = field(default_factory=deque)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        supervisor, orphan_signal = os.getpid(), self.orphan_signal

        def in_child() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, orphan_signal, 0, 0, 0)
            if os.getppid() != supervisor:  # it died between the fork and here
                os._exit(1)

        with self.log.open("ab") as log:
            # The supervisor has one thread, which is what makes preexec_fn safe.
            self.process = subprocess.Popen(  # noqa: S603
                self.command,
                cwd=self.directory,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self.keep,
                preexec_fn=in_child,
            )
        self.started = time.monotonic()

    def signal(self, number: int) -> None:
        if self.process is not None and self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def kill_group(self) -> None:
        """End whatever is left of the program's process group."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def end(self) -> int:
        """Kill what still runs; the exit status."""
        self.kill_group()
        return self.process.returncode if self.process is not None else 0

    def last_words(self, lines: int = 8) -> str:
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 4000))
                return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


class Supervisor:
    """Starts programs in order, restarts those that die, stops them in the order given."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.programs: list[Program] = []
        self.errands: list[tuple[Program, Callable[[int], None]]] = []
        self.stops = 0  # how often somebody asked to stop; twice means at once

    def listen(self) -> None:
        """From now on Ctrl-C, SIGTERM and SIGHUP ask for an orderly stop."""

        def asked(_number: int, _frame: object) -> None:
            self.stops += 1

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, asked)

    def start(self, program: Program) -> None:
        self.programs.append(program)
        program.start()

    def run_once(self, program: Program, ended: Callable[[int], None]) -> None:
        """Start what ends by itself; ``ended`` hears its exit status."""
        program.start()
        self.errands.append((program, ended))

    def look(self) -> None:
        """Restart what has died and whose pause is over; hear of errands that have ended.

        Raises ProgramFailed when one has died too often in a short time.
        """
        for errand in [errand for errand in self.errands if not errand[0].alive]:
            self.errands.remove(errand)
            errand[1](errand[0].end())
        now = time.monotonic()
        for program in self.programs:
            if program.alive:
                continue
            if program.due:
                if now >= program.due:
                    program.due = 0.0
                    program.start()
                continue
            self._bury(program, now)

    def _bury(self, program: Program, now: float) -> None:
        program.kill_group()
        while program.deaths and now - program.deaths[0] > STEADY_AFTER:
            program.deaths.popleft()
        program.deaths.append(now)
        count = len(program.deaths)
        if count >= DEATHS_ALLOWED:
            raise ProgramFailed(
                f"The {program.name} stopped {count} times within {STEADY_AFTER:.0f} s. "
                f"Its log is {program.log}; the last lines:\n{program.last_words()}"
            )
        pause = 0.5 * 2 ** (count - 1)
        program.due = now + pause
        assert program.process is not None  # noqa: S101  it has been started
        self.say(
            f"The {program.name} stopped ({_how(program.process.returncode)}); "
            f"it starts again in {pause:g} s. Log: {program.log}"
        )

    def wait(self, condition: Callable[[], bool], *, seconds: float) -> bool:
        """Look after the programs until the condition holds; False when time or a stop came first."""
        deadline = time.monotonic() + seconds
        while not self.stops:
            if condition():
                return True
            if time.monotonic() > deadline:
                return False
            self.look()
            time.sleep(TICK)
        return False

    def run(self) -> None:
        """Look after the programs until somebody asks to stop."""
        while not self.stops:
            self.look()
            time.sleep(TICK)

    def stop(self) -> None:
        """Stop the programs, the last started first; a second Ctrl-C kills what is left."""
        at_once = self.stops + 1
        for errand, _ in self.errands:
            errand.end()
        for program in reversed(self.programs):
            program.signal(program.stop_signal)
            deadline = time.monotonic() + program.patience
            while program.alive and time.monotonic() < deadline and self.stops < at_once:
                time.sleep(TICK / 2)
            program.kill_group()


def _how(status: int | None) -> str:
    if status is not None and status < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-status).name}"
    return f"with status {status}"
