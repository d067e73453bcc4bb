"""Signed heads of the chain, kept outside the database.

Whoever can write the table can cut its tail, or hash the whole chain anew, and the chain alone
still verifies. A line ``{sequence, hash, at, written, mac}`` written elsewhere every five minutes
shows both. Copy the file to a machine that the database's administrators cannot write.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.encoding import force_bytes

from audit.models import AuditEvent

_PURPOSE = b"teleheme audit anchor v1"


@dataclass(frozen=True)
class Anchor:
    """The chain's head at some time: the event with ``sequence`` had ``hash``."""

    sequence: int
    hash: str
    at: str  # of the event, ISO 8601
    written: str  # ISO 8601

    def signed(self, secret: str | bytes) -> str:
        """HMAC-SHA256, hex, under a key derived from the installation's secret."""
        key = hmac.new(force_bytes(secret), _PURPOSE, hashlib.sha256).digest()
        text = json.dumps(self.__dict__, sort_keys=True, separators=(",", ":"))
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class AnchorDamaged(ValueError):
    """A line of the anchor file was not written by this installation."""


def default_path() -> Path:
    return Path(settings.DATA_DIR) / "audit-anchors.jsonl"


def write_anchor(path: Path | None = None) -> Anchor | None:
    """Append the signed head; None when there is no event yet or the head has not moved.

    The line is on disk (fsync) when this returns.
    """
    path = path or default_path()
    head = AuditEvent.objects.order_by("-sequence").values_list("sequence", "hash", "at").first()
    if head is None:
        return None
    sequence, digest, at = head
    if _last_line_has(path, sequence, digest):
        return None
    anchor = Anchor(sequence, digest, at.isoformat(), timezone.now().isoformat())
    line = json.dumps({**anchor.__dict__, "mac": anchor.signed(settings.SECRET_KEY)}) + "\n"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return anchor


def _last_line_has(path: Path, sequence: int, digest: str) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1024))
            last = json.loads(file.read().splitlines()[-1])
    except (OSError, ValueError, IndexError):
        return False
    return isinstance(last, dict) and (last.get("sequence"), last.get("hash")) == (sequence, digest)


def read_anchors(path: Path) -> Iterator[Anchor]:
    """Every anchor, oldest first. Raises OSError, and AnchorDamaged naming the line."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                fields = json.loads(line)
                mac = str(fields.pop("mac"))
                anchor = Anchor(**fields)
            except (ValueError, TypeError, KeyError, AttributeError):
                raise AnchorDamaged(f"Line {number} of {path.name} is not an anchor.") from None
            if not any(hmac.compare_digest(anchor.signed(secret), mac) for secret in secrets):
                raise AnchorDamaged(
                    f"Line {number} of {path.name} was not signed by this installation."
                )
            yield anchor
