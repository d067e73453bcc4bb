"""What the kernel can take away from the zygote and its children, as far as it lets us.

Each measure is best effort: some containers refuse `unshare`, and other systems than Linux have
none of this. The resource limits in `zygote` do not depend on this module.
"""

import contextlib
import ctypes
import errno
import os
import platform
import signal
import struct
import sys
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 4, 38, 22
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SECCOMP_FILTER = 2

# What decoding a picture never needs: opening, moving or removing files, sockets, programs, other
# processes. Numbers: Linux arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/
# unistd.h. The newer ones have the same number on both.
_NEWER = (
    424,
    425,
    434,
    435,
    437,
    438,
)  # pidfd signal, io_uring, pidfd, clone3, openat2, pidfd_getfd
# The first number of each is the architecture (linux/audit.h).
_FORBIDDEN: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (
        0xC000003E,
        (
            # open, truncate, rename ... chmod, creat, links
            *(2, 76, 82, 83, 84, 85, 86, 87, 88, 90, 257, 258, 263, 264, 265, 266, 268, 316, 304),
            # socket, connect, sendto, sendmsg, bind, listen, socketpair
            *(41, 42, 44, 46, 49, 50, 53),
            # clone, fork, vfork, execve, execveat, kill, tkill, tgkill, ptrace, process_vm_*
            *(56, 57, 58, 59, 322, 62, 200, 234, 101, 310, 311),
            # setrlimit, prlimit64, unshare, bpf
            *(160, 302, 272, 321),
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(56, 34, 35, 36, 37, 38, 45, 53, 276, 265),
            *(198, 199, 200, 201, 203, 206, 211),
            *(220, 221, 281, 129, 130, 131, 117, 270, 271),
            *(164, 261, 97, 280),
        ),
    ),
}

# What an engine that runs a model needs of these: x86_64 and aarch64 numbers.
_OF_ENGINES = frozenset({"open", "openat", "clone", "clone3"})
_NUMBERS = {
    "x86_64": {"open": 2, "openat": 257, "clone": 56, "clone3": 435},
    "aarch64": {"openat": 56, "clone": 220, "clone3": 435},
}

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def confine_zygote() -> None:
    """No network (an empty network namespace), no new privileges, first to go when memory ends."""
    if _libc is None:
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if _libc.unshare(_CLONE_NEWNET) != 0:
        _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def die_with(parent: int) -> None:
    """Has the kernel kill this process when `parent`, a single-threaded process, ends."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)  # it ended before the kernel knew of us


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def confine_child() -> None:
    """From here on the forbidden calls fail with EPERM, whatever code runs in this process."""
    _install(_FILTER)


def confine_engine() -> None:
    """Like ``confine_child``, for an engine that opens files and starts threads of its own."""
    _install(_filter(platform.machine(), allowed=_OF_ENGINES))


def _install(instructions: bytes | None) -> None:
    if _libc is None or instructions is None:
        return
    program = _Program(len(instructions) // 8, instructions)
    _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, ctypes.byref(program), 0, 0)


def _filter(machine: str, *, allowed: frozenset[str] = frozenset()) -> bytes | None:
    """A classic BPF program (struct sock_filter: code, jump if true, jump if false, operand)."""
    if machine not in _FORBIDDEN or sys.byteorder != "little":
        return None
    architecture, forbidden = _FORBIDDEN[machine]
    numbers = sorted({*forbidden, *_NEWER} - _named(machine, allowed))
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    refuse, allow = 0x00050000 | errno.EPERM, 0x7FFF0000
    # The jumps count the instructions between here and the refusal, which stands last.
    rest = len(numbers)
    lines = [
        (load, 0, 0, 4),  # seccomp_data.arch
        (equal, 0, rest + 3, architecture),
        (load, 0, 0, 0),  # seccomp_data.nr
        (at_least, rest + 1, 0, 0x40000000),  # the x32 calls, another way to the same kernel
        *((equal, rest - index, 0, number) for index, number in enumerate(numbers)),
        (answer, 0, 0, allow),
        (answer, 0, 0, refuse),
    ]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def _named(machine: str, names: frozenset[str]) -> set[int]:
    return {number for name, number in _NUMBERS[machine].items() if name in names}


_FILTER = _filter(platform.machine()) if _libc is not None else None
