"""Training workers: each says that it is there, by the database's clock, while it waits and trains."""

import importlib.util
import os
import time
from typing import Any

from celery import signals

from classifier import heartbeat
from classifier.clock import seconds_ahead

VARIABLE = "TELEHEME_TRAINING_WORKER"  # 1 in the environment of a worker that trains
KEY = "training.heard"
KEPT = 7 * 24 * 3600  # seconds
RECENT = 60.0  # seconds after which a worker is not there any more
INSTALL = "pip install --require-hashes -r requirements.txt"
START = (
    "TELEHEME_TRAINING_WORKER=1 celery --app telemed worker --queues training --pool solo "
    "--hostname training@%h --without-gossip --without-mingle"
)
_ending = False


def listen() -> None:
    """In a training worker: speak while it waits, and hear when it is to end."""
    if os.environ.get(VARIABLE) != "1":
        return
    signals.heartbeat_sent.connect(_speak, dispatch_uid="training.heard", weak=False)
    signals.worker_ready.connect(_speak, dispatch_uid="training.ready", weak=False)
    signals.worker_shutting_down.connect(_end, dispatch_uid="training.ending", weak=False)


def _speak(**_: Any) -> None:
    here()


def _end(**_: Any) -> None:
    global _ending
    _ending = True


def ending() -> bool:
    """Whether this worker is to end: what it does is given back."""
    return _ending


def here() -> None:
    """This training worker lives. Best effort."""
    heartbeat.here(KEY, kept=KEPT)


def heard() -> heartbeat.Seen | None:
    """The training worker that was heard last."""
    return next(iter(heartbeat.seen(KEY)), None)


def is_there() -> bool:
    last = heard()
    return last is not None and time.time() - seconds_ahead() - last.at.timestamp() < RECENT


def installed() -> bool:
    """Whether this machine could train: TensorFlow is there. Nothing is loaded."""
    return importlib.util.find_spec("tensorflow") is not None
