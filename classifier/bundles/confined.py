"""Asking a model directory in a confined child: whatever its files do to the engine stays there."""

import json
import logging
import os
import signal
import subprocess  # nosec B404
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifier.bundles.child import EXIT_MEMORY
from classifier.inference.errors import ModelError

log = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[2]
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from classifier.bundles.child import main; main(sys.argv[2:])"
)
# Nothing of the parent's environment: keys and passwords live there.
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_GRACE_SECONDS = 5
_LONGEST_ANSWER = 4096  # bytes


@dataclass(frozen=True)
class Limits:
    """Bytes of address space, seconds of processor and of wall clock. The shipped model takes 1.1
    GB (0.2 GB of them memory) and 3 s. A proxy gives up on an upload's answer after a minute."""

    memory: int = 4 * 1024**3
    cpu: int = 40
    wall: int = 45


LIMITS = Limits()
_turn = threading.Lock()  # one child of a process at a time: each may take a gigabyte


def require_fit(directory: Path | str, *, limits: Limits = LIMITS) -> float:
    """Check a model directory and ask it the golden set, in a child; the largest difference.

    ModelError, in one sentence, where anything about its files or its answers is not as it must be,
    or where it needs more time or memory than a model may. Takes some four seconds.
    """
    directory = Path(directory).resolve()
    if not _turn.acquire(timeout=limits.wall):
        raise ModelError("Other models are being checked just now. Try again in a minute.")
    try:
        code, answer = _ask(directory, limits)
    finally:
        _turn.release()
    if code:
        raise _failure(directory.name, code)
    said = _unpacked(answer)
    if isinstance(said.get("refused"), str):
        raise ModelError(said["refused"].replace(f"{directory}/", ""))
    if not isinstance(said.get("difference"), float):
        raise _failure(directory.name, 0)
    return float(said["difference"])


def _ask(directory: Path, limits: Limits) -> tuple[int, bytes]:
    """The child's exit code (negative: the signal) and what it wrote."""
    command = [sys.executable, "-I", "-c", _BOOT, str(_ROOT)]
    command += [str(directory), json.dumps(asdict(limits))]
    with subprocess.Popen(  # noqa: S603  # nosec B603
        command,
        env=_ENVIRONMENT,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            written, _ = child.communicate(timeout=limits.wall + _GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            return -signal.SIGALRM, b""
    return child.returncode, written[:_LONGEST_ANSWER]


def _unpacked(answer: bytes) -> dict[str, Any]:
    try:
        said = json.loads(answer)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _failure(name: str, code: int) -> ModelError:
    log.warning("the child that asked model %s ended with %d", name, code)
    if code in (-signal.SIGALRM, -signal.SIGXCPU):
        return ModelError(f"Model {name!r} took longer over the golden set than a model may.")
    if code == EXIT_MEMORY:
        return ModelError(f"Model {name!r} takes more memory than a model may.")
    return ModelError(f"Model {name!r} could not be asked the golden set: the engine fell over it.")
