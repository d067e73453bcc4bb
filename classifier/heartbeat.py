"""Which workers are alive: each says so while it works, at most every few seconds."""

import logging
import os
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.cache import cache
from django.db import DatabaseError
from django.utils import timezone

log = logging.getLogger(__name__)

KEY = "workers.seen"
KEPT = 24 * 3600  # seconds
EVERY = 10.0  # seconds between two words of one process
_last = 0.0


@dataclass(frozen=True)
class Seen:
    name: str  # host:process
    at: datetime


def here() -> None:
    """This worker lives. Best effort: two that speak at once may lose one word, not the next."""
    global _last
    if time.monotonic() - _last < EVERY:
        return
    _last = time.monotonic()
    now = timezone.now().timestamp()
    try:
        workers = cache.get(KEY) or {}
        workers[f"{socket.gethostname()}:{os.getpid()}"] = now
        recent = {name: at for name, at in workers.items() if now - at < KEPT}
        cache.set(KEY, recent, timeout=KEPT)
    except DatabaseError:
        log.warning("heartbeat not written", exc_info=True)


def seen() -> list[Seen]:
    """Workers of the last day, the latest first."""
    workers = cache.get(KEY) or {}
    found = [Seen(name, datetime.fromtimestamp(at, UTC)) for name, at in workers.items()]
    return sorted(found, key=lambda each: each.at, reverse=True)
