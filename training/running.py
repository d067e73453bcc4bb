"""Doing a run: a process of its own trains, this one watches it and writes down what it sees.

The process may be killed, and so may this one; whoever takes the run up again goes on with the last
whole epoch, as long as it is on the same disk.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error, connection

from classifier.inference.errors import ModelError
from classifier.models import ModelVersion
from classifier.registry import model_take_in
from patients.errors import DomainError
from training import claiming, folder, worker
from training.baselines import baseline_keep
from training.claiming import Claim
from training.models import TrainingJob

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
PATIENCE = 20.0  # seconds that a process has to end before it is killed
COMMAND = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "run_training"]


class LostError(Exception):
    """The run is somebody else's by now; nothing more may be written."""


class StopAsked(Exception):
    """A person asked for it, or (``worker.ending``) this worker is to end."""


def run_next() -> TrainingJob | None:
    """Take the oldest run that waits to its end; None where there was none to take."""
    claiming.free_expired()
    folder.forget_old()
    claim = claiming.claim_next()
    if claim is None:
        return None
    log.info("training %s, attempt %d", claim.job, claim.job.attempt)
    try:
        _run(claim)
    except LostError:
        log.warning("training %s belongs to another worker", claim.job)
    except StopAsked:
        (claiming.give_back if worker.ending() else claiming.stopped)(claim)
    except (ModelError, DomainError) as error:
        claiming.failed(claim, str(error))
    except OSError as error:
        claiming.failed(claim, f"The disk of the training worker failed: {error.strerror}.")
    return claim.job


def _run(claim: Claim) -> None:
    job = claim.job
    place = folder.folder_of(job)
    baseline = folder.prepare(job, progress=lambda files: _watched(claim, files))
    code = _train(claim, place)
    if code < 0:
        log.warning("the process of %s was killed by signal %d", job, -code)
        claiming.died(claim)
        return
    if code:
        raise ModelError(folder.reason(place))
    _look(claim, place)
    version = model_take_in(directory=place / folder.MODEL, actor=job.asked_by).version
    _keep_baseline(claim, place, baseline)
    claiming.done(claim, version)
    folder.clear(job)


def _watched(claim: Claim, files: Iterable) -> Iterator:
    """Files of a data set as they are written, the lease being kept."""
    last = time.monotonic()
    for number, file in enumerate(files):
        yield file
        if time.monotonic() - last > LOOK_SECONDS:
            last = time.monotonic()
            step = {"step": "Writing the data sets", "done": number, "total": 0}
            _heed(claiming.seen(claim, progress=step))


def _train(claim: Claim, place: Path) -> int:
    """Run the process to its end; its exit status, negative where a signal ended it."""
    with (place / folder.LOG).open("ab") as output:
        process = subprocess.Popen(  # noqa: S603
            [*COMMAND, str(place), "--parent", str(os.getpid())],
            cwd=settings.BASE_DIR,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=LOOK_SECONDS)
            _look(claim, place)
    finally:
        _end(process)


def _look(claim: Claim, place: Path) -> None:
    worker.here()
    try:
        asked = claiming.seen(claim, **folder.look(place))
    except Error:  # the run goes on; should the lease end, another worker finds the folder busy
        log.warning("progress of %s not written", claim.job, exc_info=True)
        connection.close()
        return
    _heed(asked)


def _heed(asked: bool | None) -> None:
    if asked is None:
        raise LostError
    if asked or worker.ending():
        raise StopAsked


def _end(process: subprocess.Popen[Any]) -> None:
    """End it where it still runs. It keeps nothing that is not on disk: a checkpoint each epoch."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _keep_baseline(claim: Claim, place: Path, baseline: dict[str, str]) -> None:
    path = place / folder.BASELINE
    version = ModelVersion.objects.filter(model_id=baseline.get("model_id", "")).first()
    if version is None or not path.is_file():
        return
    baseline_keep(
        job=claim.job, version=version, sha256=baseline["sha256"], answers=path.read_text()
    )
