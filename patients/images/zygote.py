"""The helper process: imports the decoder once, then forks one limited child per picture.

Protocol, over an inherited Unix socket: the parent sends one byte with three descriptors, a file to
read the request from, a file to write the answer to, and the writing end of a pipe. When the child
has ended, its exit code (negative: the signal) is written to the pipe as a big-endian i32. Nothing
a child does can get between: it holds neither the socket nor the pipe. End of file on the socket
means that the parent is gone; then children and zygote end too.
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

from patients.images import confinement
from patients.images.packing import Message, pack, unpack

EXIT_MEMORY = 71
EXIT_FAILED = 72
EXIT_NOT_STARTED = 73
READY = b"R"

Task = Callable[[dict[str, Any], list[bytes]], Message]


def main(arguments: list[str]) -> None:
    """Arguments: number of the control socket, "module:function", limits as JSON."""
    control = socket.socket(fileno=int(arguments[0]))
    module, _, name = arguments[1].partition(":")
    limits: dict[str, int] = json.loads(arguments[2])
    loaded = importlib.import_module(module)
    task: Task = getattr(loaded, name)
    # Whatever is imported on first use is better imported here, once, than in every child.
    getattr(loaded, "warm_up", lambda: None)()
    confinement.confine_zygote()
    gc.collect()
    gc.freeze()  # keeps the pages shared with the children unwritten
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    quiet = os.open(os.devnull, os.O_RDWR)
    control.sendall(READY)
    _serve(control, wake_read, quiet, task, limits)


def _serve(
    control: socket.socket, wake: int, quiet: int, task: Task, limits: dict[str, int]
) -> None:
    running: dict[int, tuple[int, float]] = {}  # pid: (pipe, deadline)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while True:
        poll.poll(200 if running else None)
        with contextlib.suppress(BlockingIOError):
            os.read(wake, 4096)
        _reap(running)
        if not select.select([control], [], [], 0)[0]:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, 1, 3)
        if not message:
            break
        request, answer, status = descriptors
        pid = _fork(quiet, task, limits, descriptors)
        if pid:
            running[pid] = (status, time.monotonic() + limits["wall"])
        else:
            _report(status, EXIT_NOT_STARTED)
        os.close(request)
        os.close(answer)
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _reap(running: dict[int, tuple[int, float]]) -> None:
    for pid, (status, deadline) in list(running.items()):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGALRM if time.monotonic() < deadline + 1 else signal.SIGKILL)
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            del running[pid]
            _report(status, os.waitstatus_to_exitcode(code))


def _report(status: int, code: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(status, struct.pack(">i", code))
    os.close(status)


def _fork(
    quiet: int,
    task: Task,
    limits: dict[str, int],
    descriptors: list[int],
) -> int:
    """The child's pid, or 0 where the system has no room for another process."""
    zygote = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        return 0
    if pid:
        return pid
    code = EXIT_FAILED
    try:
        signal.set_wakeup_fd(-1)
        confinement.die_with(zygote)
        request, answer, _ = descriptors
        _close_all_but(request, answer, quiet)
        for standard in (0, 1, 2):
            os.dup2(quiet, standard)
        _limit(limits)
        confinement.confine_child()
        with os.fdopen(request, "rb") as source:
            head, blocks = unpack(source.read())
        head, blocks = task(head, blocks)
        for part in pack(head, blocks):
            view = memoryview(part)
            while view:
                view = view[os.write(answer, view) :]
        code = 0
    except MemoryError:
        code = EXIT_MEMORY
    finally:
        # Not sys.exit: no clean-up of the zygote's may run twice, and no traceback is printed.
        os._exit(code)


def _close_all_but(*kept: int) -> None:
    """Takes away the control socket and the pipes of this and of every other child."""
    lowest = 3
    for number in [*sorted(kept), 1 << 16]:
        os.closerange(lowest, number)
        lowest = number + 1


def _limit(limits: dict[str, int]) -> None:
    for ending in (signal.SIGALRM, signal.SIGXCPU, signal.SIGXFSZ):
        signal.signal(ending, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits["wall"])
    # A soft limit below the hard one, so that SIGXCPU tells why; at the hard one it is SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu"], limits["cpu"] + 2))
    for kind, amount in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_FSIZE, limits["output"]),
        (resource.RLIMIT_NOFILE, limits["files"]),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (amount, amount))


if __name__ == "__main__":
    main(sys.argv[1:])
