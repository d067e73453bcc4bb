"""What the kernel takes away from the child that asks a model; each measure as far as it lets us.

Beyond what `patients.images.confinement` does, Landlock (Linux 5.13, docs: userspace-api/landlock)
shuts every file but the model's, the libraries' and what the kernel tells of the processor.
"""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from patients.images import confinement

# The same on all architectures: landlock_create_ruleset, landlock_add_rule, landlock_restrict_self.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_FIRST_RIGHTS = (1 << 13) - 1  # everything about files that the first version knows
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/sys", "/proc/self")
_SINGLE = ("/etc/ld.so.cache", "/dev/null", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo")
_ROOT = Path(__file__).resolve().parents[2]


def confine(*, readable: Iterable[Path]) -> bool:
    """From here on: no network, no program, no writing, and only these directories to read. False
    where this kernel cannot shut files."""
    confinement.confine_zygote()
    python = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    python |= {Path(entry).resolve() for entry in sys.path if entry and Path(entry).is_dir()}
    code = {_ROOT / "classifier", _ROOT / "patients"}
    shut = shut_files([*readable, *(python - {_ROOT}), *code, *map(Path, _LIBRARIES + _SINGLE)])
    confinement.confine_engine()
    return shut


def shut_files(readable: Iterable[Path]) -> bool:
    """No file but those below the given paths can be opened, and none for writing.

    False where this kernel has no Landlock.
    """
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION_FLAG) < 1:
        return False
    handled = struct.pack("=Q", _FIRST_RIGHTS)
    ruleset = libc.syscall(_CREATE, handled, ctypes.c_size_t(len(handled)), 0)
    if ruleset < 0:
        return False
    for path in readable:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # not every system has every one of these
        rights = _READ_FILE | (_READ_DIR | _EXECUTE if path.is_dir() else 0)
        rule = struct.pack("=Qi", rights, descriptor)
        libc.syscall(_ADD, ruleset, _PATH_BENEATH, rule, 0)
        os.close(descriptor)
    shut = libc.syscall(_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return bool(shut)
