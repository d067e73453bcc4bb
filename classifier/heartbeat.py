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
_last: dict[str, float] = {}  # by key


@dataclass(frozen=True)
class Seen:
    name: str  # host:process
    at: datetime  # by the database's clock
    ahead: float  # seconds that its own clock is ahead of the database's


def here(key: str = KEY, *, kept: int = KEPT) -> None:
    """This worker lives. Best effort: two that speak at once may lose one word, not the next.

    ``key`` names the kind of worker, ``kept`` says for how many seconds its word is.
    """
    if time.monotonic() - _last.get(key, float("-inf")) < EVERY:
        return
    _last[key] = time.monotonic()
    try:
        ahead = seconds_ahead()
        now = time.time() - ahead
        workers = cache.get(key) or {}
        workers[f"{socket.gethostname()}:{os.getpid()}"] = (now, ahead)
        recent = {name: word for name, word in workers.items() if now - word[0] < kept}
        cache.set(key, recent, timeout=kept)
    except Error:
        log.warning("heartbeat not written", exc_info=True)


def seen(key: str = KEY) -> list[Seen]:
    """Workers whose word is kept, the latest first."""
    workers = cache.get(key) or {}
    found = [
        Seen(name, datetime.fromtimestamp(at, UTC), ahead) for name, (at, ahead) in workers.items()
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)
