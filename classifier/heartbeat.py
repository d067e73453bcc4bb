"""Which workers are alive: each says so while it works, at most every few seconds.

By the database's clock, so that a worker whose own is wrong is neither missed nor believed.
"""

import logging
import os
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.cache import cache
from django.db import Error

from classifier.clock import seconds_ahead

log = logging.getLogger(__name__)

KEY = "workers.heard"
KEPT = 24 * 3600  # seconds
EVERY = 10.0  # seconds between two words of one process
_last = 0.0


@dataclass(frozen=True)
class Seen:
    name: str  # host:process
    at: datetime  # by the database's clock
    ahead: float  # seconds that its own clock is ahead of the database's


def here() -> None:
    """This worker lives. Best effort: two that speak at once may lose one word, not the next."""
    global _last
    if time.monotonic() - _last < EVERY:
        return
    _last = time.monotonic()
    try:
        ahead = seconds_ahead()
        now = time.time() - ahead
        workers = cache.get(KEY) or {}
        workers[f"{socket.gethostname()}:{os.getpid()}"] = (now, ahead)
        recent = {name: word for name, word in workers.items() if now - word[0] < KEPT}
        cache.set(KEY, recent, timeout=KEPT)
    except Error:
        log.warning("heartbeat not written", exc_info=True)


def seen() -> list[Seen]:
    """Workers of the last day, the latest first."""
    workers = cache.get(KEY) or {}
    found = [
        Seen(name, datetime.fromtimestamp(at, UTC), ahead) for name, (at, ahead) in workers.items()
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)
