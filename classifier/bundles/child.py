"""The child that asks a model: it is told one directory, and answers with one line of JSON.

Everything it needs is loaded before the model is opened; from then on it has no network, may start
no program, write no file and read no others than the model's and the libraries'.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

EXIT_MEMORY = 71
_LONGEST = 500  # characters of a sentence


def main(arguments: list[str]) -> None:
    """Arguments: the model directory, and limits as JSON (bytes of memory, seconds)."""
    directory, limits = Path(arguments[0]), json.loads(arguments[1])
    answer = os.dup(1)
    quiet = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # what a library prints is no answer
        os.dup2(quiet, standard)

    import cv2

    from classifier.bundles.checks import require_sound
    from classifier.bundles.confinement import confine
    from classifier.inference import golden, openvino_runtime  # noqa: F401
    from classifier.inference.errors import ModelError
    from classifier.inference.manifest import load_manifest
    from patients.images import confinement

    confinement.die_with(os.getppid())
    cv2.setNumThreads(1)
    _limit(limits)
    confine(readable=[directory, golden.FOLDER])
    try:
        require_sound(load_manifest(directory))
        said: dict[str, Any] = {"difference": golden.require_golden(directory)}
    except ModelError as error:
        said = {"refused": str(error)[:_LONGEST]}
    except MemoryError:
        os._exit(EXIT_MEMORY)
    os.write(answer, json.dumps(said).encode())
    os._exit(0)  # no library cleans up behind itself: it may have been taken over


def _limit(limits: dict[str, int]) -> None:
    for ending in (signal.SIGALRM, signal.SIGXCPU):
        signal.signal(ending, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits["wall"])
    # A soft limit below the hard one, so that SIGXCPU tells why; at the hard one it is SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu"], limits["cpu"] + 2))
    for kind, amount in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (amount, amount))


if __name__ == "__main__":
    main(sys.argv[1:])
