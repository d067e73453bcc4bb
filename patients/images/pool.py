"""The parent's side of the zygote: starts it, hands it work, judges how the child ended.

Safe for threads (one lock around starting and sending, at most `children` pictures at once), for
forks (a forked process forgets the zygote and starts its own) and for a zygote that dies (started
anew, the picture tried once more, then `DecoderUnavailable`).
"""

import atexit
import contextlib
import json
import logging
import os
import select
import signal
import socket
import struct
import subprocess  # nosec B404
import sys
import tempfile
import threading
import time
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from patients.images import limits
from patients.images.packing import Message, pack, unpack
from patients.images.refusals import DecoderUnavailable, ImageRefused
from patients.images.zygote import EXIT_MEMORY, EXIT_NOT_STARTED, READY

log = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[2]
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from patients.images.zygote import main; main(sys.argv[2:])"
)
# Nothing of the parent's environment: keys and passwords live there. One thread per library:
# processes are the parallelism here, and threads do not survive a fork.
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
_START_SECONDS = 30
_GRACE_SECONDS = 5


@dataclass(frozen=True)
class ChildLimits:
    """Bytes of address space, seconds of processor and of wall clock, bytes of answer, files."""

    memory: int = limits.CHILD_ADDRESS_SPACE
    cpu: int = limits.CHILD_CPU_SECONDS
    wall: int = limits.CHILD_WALL_SECONDS
    output: int = limits.CHILD_OUTPUT_BYTES
    files: int = limits.CHILD_OPEN_FILES


class _ZygoteGoneError(Exception):
    """The zygote ended before it could say how its child had."""


def _default_children() -> int:
    """One per processor, four at most: each may take the best part of a gigabyte."""
    return max(2, min(4, os.cpu_count() or 1))


class DecoderPool:
    """Runs `task` ("module:function", see `zygote.Task`) in a fresh limited child per call."""

    def __init__(
        self, task: str, *, child: ChildLimits | None = None, children: int | None = None
    ) -> None:
        self.task = task
        self.child = child or ChildLimits()
        self.children = children or _default_children()
        self.starts = 0  # how often a zygote was started, for tests and for the log
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._forget()
        forget = weakref.WeakMethod(self._forget_in_child)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())
        close = weakref.WeakMethod(self.close)
        atexit.register(lambda: (method := close()) and method())

    def run(self, head: dict[str, Any], blocks: list[bytes]) -> Message:
        """The task's answer. Raises ImageRefused (timeout, memory, corrupt) where the child was
        ended or fell over, DecoderUnavailable where the machine is at fault."""
        if not self._slots.acquire(timeout=4 * self.child.wall):
            raise DecoderUnavailable("too many pictures at once")
        try:
            try:
                return self._once(head, blocks)
            except _ZygoteGoneError:
                log.warning("picture decoder ended unexpectedly; starting it once more")
            try:
                return self._once(head, blocks)
            except _ZygoteGoneError as error:
                raise DecoderUnavailable("the decoder ended twice") from error
        finally:
            self._slots.release()

    def close(self) -> None:
        """Ends the zygote and waits for it. A later `run` starts another."""
        with self._lock:
            self._end()

    @property
    def pid(self) -> int | None:
        """The zygote's process id while there is one."""
        return self._process.pid if self._process else None

    def _once(self, head: dict[str, Any], blocks: list[bytes]) -> Message:
        with contextlib.ExitStack() as stack:
            try:
                request = stack.enter_context(_unnamed_file())
                answer = stack.enter_context(_unnamed_file())
                for part in pack(head, blocks):
                    request.write(part)
                request.flush()
                request.seek(0)
                read, write = os.pipe()
            except OSError as error:
                raise DecoderUnavailable(str(error)) from error
            stack.callback(os.close, read)
            try:
                served_by = self._send([request.fileno(), answer.fileno(), write])
            finally:
                os.close(write)
            try:
                code = self._wait(read, served_by)
            except _ZygoteGoneError:
                # It may still be dying: without this the second try could be sent to it as well.
                self._end_if(served_by)
                raise
            if code != 0:
                raise _failure(code)
            answer.seek(0)
            try:
                return unpack(answer.read(self.child.output + 1))
            except (ValueError, RecursionError) as error:
                raise ImageRefused("corrupt") from error

    def _send(self, descriptors: list[int]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._end()
                self._start()
            if self._control is None or self._process is None:
                raise _ZygoteGoneError
            try:
                socket.send_fds(self._control, [b"P"], descriptors)
            except OSError as error:
                self._end()
                raise _ZygoteGoneError from error
            return self._process

    def _wait(self, status: int, served_by: subprocess.Popen[bytes]) -> int:
        """The child's exit code. The zygote enforces the deadline; this is for a stuck zygote."""
        poll = select.poll()
        poll.register(status, select.POLLIN)
        deadline = time.monotonic() + self.child.wall + _GRACE_SECONDS
        while not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            if time.monotonic() >= deadline:
                self._end_if(served_by)
                raise DecoderUnavailable("the decoder does not answer")
        raw = os.read(status, 4)
        if len(raw) < 4:
            raise _ZygoteGoneError
        return int(struct.unpack(">i", raw)[0])

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(_START_SECONDS)
        with theirs:
            command = [sys.executable, "-I", "-c", _BOOT, str(_ROOT), str(theirs.fileno())]
            command += [self.task, json.dumps(asdict(self.child))]
            try:
                # A session of its own: Ctrl-C on the terminal must not end it before the parent.
                self._process = subprocess.Popen(  # noqa: S603  # nosec B603
                    command,
                    env=_ENVIRONMENT,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise DecoderUnavailable(str(error)) from error
        self._control = ours
        self.starts += 1
        try:
            ready = ours.recv(1)
        except OSError:
            ready = b""
        if ready != READY:
            self._end()
            raise DecoderUnavailable("the decoder does not start")
        ours.settimeout(_GRACE_SECONDS)

    def _end_if(self, served_by: subprocess.Popen[bytes]) -> None:
        """Ends that zygote, unless another thread has replaced it already."""
        with self._lock:
            if self._process is served_by:
                self._end()

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGKILL)
                self._process.wait()
        self._control = None
        self._process = None

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(self.children)
        self._control = None
        self._process = None

    def _forget_in_child(self) -> None:
        """After a fork: drop the parent's zygote. Its socket must not stay open here, or it would
        outlive the parent; its process is not ours to wait for."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.returncode = 0
        self._forget()


def _unnamed_file() -> Any:
    """A file without a name, in memory where the system offers that: it vanishes when closed."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("picture"), "r+b")
    return tempfile.TemporaryFile()


def _failure(code: int) -> Exception:
    if code == EXIT_NOT_STARTED:
        return DecoderUnavailable("no further process can be started")
    if code == EXIT_MEMORY:
        return ImageRefused("memory")
    if code in (-signal.SIGALRM, -signal.SIGXCPU):
        return ImageRefused("timeout")
    if code == -signal.SIGXFSZ:
        return ImageRefused("memory")
    if code == -signal.SIGKILL:
        # The kernel's out-of-memory killer, an operator, or the hard limit: not the picture's fault
        # for certain, so that it may be tried again.
        return DecoderUnavailable("the reading process was killed")
    return ImageRefused("corrupt")
