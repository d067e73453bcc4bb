"""Keys of the queue server that hold another type than they should: set aside, never deleted.

Another program on the same server, or a slip at its prompt, can put a text where a queue was. Then
nothing can be sent or taken any more. The queue is only the doorbell, so what lies there is moved
out of the way, and the sweep rings again.
"""

import logging
import secrets
from collections.abc import Iterator
from typing import Any

from patients.choices import Priority

log = logging.getLogger(__name__)

# Of the queues themselves, and of the workers' remote control.
EXCHANGES = (*Priority.values, "celery.pidbox", "reply.celery.pidbox")


def set_aside_wrong_keys(channel: Any) -> None:
    """Rename what has the wrong type and say so. Raises what the server's client raises."""
    expected = dict(_expected(channel))
    with channel.conn_or_acquire() as client:
        with client.pipeline(transaction=False) as pipe:
            for key in expected:
                pipe.type(key)
            found = [kind.decode() for kind in pipe.execute()]
        for (key, kind), held in zip(expected.items(), found, strict=True):
            if held not in (kind, "none"):
                aside = f"{key}.set-aside.{secrets.token_hex(4)}"
                client.rename(key, aside)
                log.error(
                    "key %s of the queue server held a %s instead of a %s; it is now called %s. "
                    "Does another program use this server?", key, held, kind, aside,
                )  # fmt: skip


def _expected(channel: Any) -> Iterator[tuple[str, str]]:
    """Each key that kombu's Redis transport works with, and its type."""
    for queue in Priority.values:
        for step in channel.priority_steps:
            yield channel._q_for_pri(queue, step), "list"
    yield channel.unacked_key, "hash"
    yield channel.unacked_index_key, "zset"
    yield channel.unacked_mutex_key, "string"
    yield channel.keyprefix_binding_deadlines, "zset"
    for exchange in EXCHANGES:
        yield channel.keyprefix_queue % exchange, "set"
        yield channel.keyprefix_binding_permanent % exchange, "set"
