"""Hashing of audit events: what is covered, in which form."""

import hashlib
import json
from typing import Any

from audit.models import AuditEvent

GENESIS = "0" * 64
# Every column but the two hashes. Adding a column means a new chain version in the payload.
COVERED = (
    "sequence",
    "action",
    "outcome",
    "actor_id",
    "actor_name",
    "organisation_id",
    "object_type",
    "object_id",
    "address",
    "request_id",
    "data",
)


def canonical(event: AuditEvent) -> bytes:
    """The event as canonical JSON (sorted keys, UTF-8), the form that is hashed."""
    payload: dict[str, Any] = {name: getattr(event, name) for name in COVERED}
    payload["at"] = event.at.isoformat(timespec="microseconds")
    payload["case_id"] = str(event.case_id) if event.case_id else None
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def event_hash(event: AuditEvent) -> str:
    """SHA-256, hex, of the previous hash and the canonical event."""
    return hashlib.sha256(event.previous_hash.encode() + b"\n" + canonical(event)).hexdigest()
