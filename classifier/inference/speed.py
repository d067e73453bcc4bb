"""How many pictures a second models read, compared fairly: in one process, in turns, one thread.

    python -m classifier.inference.speed DIRECTORY [DIRECTORY]

On a machine that is busy with other things the best of several short rounds is what a model can do;
in turns, because the machine is not equally busy all the time.
"""

import json
import os
import subprocess  # nosec B404
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from classifier.inference.errors import ModelError
from classifier.inference.golden import pictures
from classifier.inference.model import Model, load_model
from classifier.inference.preprocess import decode

ROUNDS, CROPS = 4, 16  # 64 pictures a model
LIMIT = 30  # seconds for everything; whoever waits for a page waits at most 60
ROOT = Path(__file__).resolve().parents[2]


def rates(directories: Sequence[Path | str]) -> list[float]:
    """Pictures a second of each verified model directory, measured in a process of its own.

    ModelError, in one sentence, where one cannot be loaded or all that takes longer than LIMIT.
    """
    command = [sys.executable, "-m", "classifier.inference.speed", *map(str, directories)]
    # Nothing of the web server's environment: no key, no password.
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603  # nosec B603
            command, cwd=ROOT, env=environment, capture_output=True, timeout=LIMIT, check=False
        )
        found = json.loads(done.stdout or b"[]")
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"Measuring the speed took longer than {LIMIT} seconds: the model is too slow, or this "
            "machine too busy. Try again when it is not."
        ) from error
    except ValueError as error:
        raise ModelError(
            "The speed could not be measured: the measuring process failed."
        ) from error
    if len(found) != len(directories):
        raise ModelError("The speed could not be measured: the measuring process failed.")
    return [float(value) for value in found]


def measure(directories: Sequence[Path | str]) -> list[float]:
    models = [load_model(directory, threads=1) for directory in directories]
    drawn = [decode(path.read_bytes()) for path in pictures()]
    batch = [drawn[n % len(drawn)] for n in range(CROPS)]
    for model in models:
        model.classify(batch[0])  # the first one pays for what is made once
    best = [float("inf")] * len(models)
    for _ in range(ROUNDS):
        for place, model in enumerate(models):
            best[place] = min(best[place], _seconds(model, batch))
    return [CROPS / seconds for seconds in best]


def _seconds(model: Model, batch: list) -> float:
    begin = time.perf_counter()
    for picture in batch:
        model.classify(picture)
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1:])))
