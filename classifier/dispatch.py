"""Ringing the doorbell: the only place that sends work to the broker.

Sending never fails the caller. What could not be sent stays QUEUED in the database, and the sweep
sends it later. A broker that is down or frozen costs one caller a few seconds, and then nobody
anything for ``SILENCE`` seconds.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from celery import current_app
from django.db import Error, transaction

from classifier.choices import QUEUES, SHADOW_QUEUE, PredictionState
from classifier.clock import database_now
from classifier.keys import set_aside_wrong_keys
from classifier.models import Prediction
from patients.choices import Priority
from telemed.tasks import UPKEEP_QUEUE

log = logging.getLogger(__name__)

BATCH = 16  # rows in one message
# A case that comes in waits for what is being read: of a shadow never much at once.
SHADOW_BATCH = 4
ALONE_FROM = 2  # after this many failed attempts a row travels alone
SILENCE = 15.0  # seconds without a further try after the broker did not answer
LOOKUP = 500  # ids in one query: below SQLite's limit on parameters

_lock = threading.Lock()
_silent_until = 0.0


@dataclass(frozen=True)
class Message:
    queue: str
    ids: tuple[int, ...]


def publish_on_commit(prediction_ids: Iterable[int]) -> None:
    """Send these rows once the caller's transaction is committed."""
    ids = list(prediction_ids)
    if ids:
        transaction.on_commit(lambda: publish(ids), robust=True)


def publish(prediction_ids: Sequence[int], *, insist: bool = False) -> int:
    """Send those of the rows that are QUEUED; returns how many rows were sent.

    ``insist`` tries even where the broker was silent a moment ago (the sweep does).
    """
    if not insist and _broker_was_silent():
        log.warning("broker silent a moment ago: %d rows left to the sweep", len(prediction_ids))
        return 0
    messages = [message for chunk in _chunks(prediction_ids) for message in _messages(chunk)]
    if not messages:
        return 0
    sent = 0
    try:
        with _Producer() as producer:
            for message in messages:
                _send(producer, message)
                Prediction.jobs.filter(pk__in=message.ids, state=PredictionState.QUEUED).update(
                    published_at=database_now()
                )
                sent += len(message.ids)
    except Error:  # the database's, which says nothing of the broker
        raise
    except Exception as error:  # whatever the broker's client raises, the row is safe
        _broker_is_silent()
        log.warning(
            "broker did not take the work (%s): %d of %d rows sent, the sweep sends the rest",
            type(error).__name__,
            sent,
            sum(len(message.ids) for message in messages),
        )
    return sent


def send_upkeep(task: Any, **kwargs: Any) -> bool:
    """Queue a follow-up of an upkeep task behind all work on cases; False when it was not taken."""
    try:
        with _Producer() as producer:
            task.apply_async(
                kwargs=kwargs, queue=Priority.BACKGROUND.value, producer=producer, retry=False
            )
    except Exception as error:  # the next night does it
        log.warning("broker did not take an upkeep task (%s)", type(error).__name__)
        return False
    return True


def ring(task: Any, *, queue: str = UPKEEP_QUEUE, expires: float | None = None) -> bool:
    """Start an upkeep task now, not at its next beat, which does it when this fails. Nobody answers
    a bell that is older than ``expires`` seconds."""
    if _broker_was_silent():
        return False
    try:
        with _Producer() as producer:
            task.apply_async(queue=queue, expires=expires, producer=producer, retry=False)
    except Exception as error:  # see publish
        _broker_is_silent()
        log.warning("broker did not take a bell (%s)", type(error).__name__)
        return False
    return True


def messages_waiting(queues: Iterable[str]) -> dict[str, int] | None:
    """How many messages wait in each queue; None when the broker does not answer."""
    try:
        with _Producer() as producer:
            channel = producer.channel
            return {queue: int(channel._size(queue)) for queue in queues}
    except Exception as error:  # see publish
        log.warning("broker does not say how long its queues are (%s)", type(error).__name__)
        return None


def mend_keys() -> None:
    """Move what does not belong there out of the queues' way."""
    try:
        with _Producer() as producer:
            set_aside_wrong_keys(producer.channel)
    except Exception as error:  # see publish
        log.warning("the broker's keys could not be looked at (%s)", type(error).__name__)


def _send(producer: Any, message: Message) -> None:
    from classifier.tasks import classify_batch, shadow_batch

    task = shadow_batch if message.queue == SHADOW_QUEUE else classify_batch
    task.apply_async(
        kwargs={"prediction_ids": list(message.ids)},
        queue=message.queue,
        producer=producer,
        retry=False,
    )


class _Producer:
    """A producer on a connection of its own that gives up after one try of a few seconds.

    Celery's shared pool keeps connections that a frozen broker would block one after another.
    """

    def __enter__(self) -> Any:
        options = {
            **current_app.conf.broker_transport_options,
            "max_retries": 0,
            "retry_on_timeout": False,
        }
        self.connection = current_app.connection_for_write(transport_options=options)
        return current_app.amqp.Producer(self.connection, auto_declare=False)

    def __exit__(self, *_: object) -> None:
        try:
            self.connection.release()
        except Exception as error:  # a broken connection may also refuse to be closed
            log.debug("closing the broker's connection: %s", error)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + LOOKUP] for start in range(0, len(ids), LOOKUP))


def _messages(ids: Sequence[int]) -> Iterator[Message]:
    """Batches of one queue and one model; a row that failed twice alone, so that it takes no other
    down."""
    order = {queue: place for place, queue in enumerate(QUEUES)}
    rows = sorted(
        Prediction.jobs.filter(pk__in=ids, state=PredictionState.QUEUED).values_list(
            "queue", "attempt", "pk"
        ),
        key=lambda row: (order[row[0]], row[1] >= ALONE_FROM, row[2]),
    )
    for (queue, alone), group in groupby(rows, key=lambda row: (row[0], row[1] >= ALONE_FROM)):
        keys = [row[2] for row in group]
        size = 1 if alone else batch_size(queue)
        for start in range(0, len(keys), size):
            yield Message(queue, tuple(keys[start : start + size]))


def batch_size(queue: str) -> int:
    """The most rows in one message of this queue."""
    return SHADOW_BATCH if queue == SHADOW_QUEUE else BATCH


def _broker_was_silent() -> bool:
    return time.monotonic() < _silent_until


def _broker_is_silent() -> None:
    global _silent_until
    with _lock:
        _silent_until = time.monotonic() + SILENCE


def forget_silence() -> None:
    """Try the broker again at the next chance."""
    global _silent_until
    with _lock:
        _silent_until = 0.0
