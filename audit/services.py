"""Writing the audit record."""

from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from audit.anchors import write_anchor
from audit.chain import GENESIS, event_hash
from audit.context import current
from audit.models import AuditEvent, Outcome

__all__ = ["record", "write_anchor"]

# One writer at a time holds this PostgreSQL advisory lock until its transaction ends, so that the
# chain has no fork. SQLite needs none: its IMMEDIATE transactions already take turns.
CHAIN_LOCK = 0x7E1E


@transaction.atomic
def record(
    *,
    action: str,
    actor: Any = None,
    outcome: str = Outcome.DONE,
    obj: Any = None,
    case_id: UUID | None = None,
    **data: Any,
) -> AuditEvent:
    """Append one event, in the caller's transaction: the fact and its record commit together.

    ``obj`` is named by its class and its ``public_id`` (or primary key); ``data`` must be JSON and
    must hold no patient's name, MRN or birth date.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    last = AuditEvent.objects.order_by("-sequence").values_list("sequence", "hash").first()
    known = actor is not None and getattr(actor, "is_authenticated", False)
    facts = current.get()
    event = AuditEvent(
        sequence=last[0] + 1 if last else 1,
        at=timezone.now(),
        action=action,
        outcome=outcome,
        actor_id=actor.pk if known else None,
        actor_name=str(actor.email) if known else "",
        organisation_id=actor.organisation_id if known else None,
        object_type=type(obj).__name__.lower() if obj is not None else "",
        object_id=str(getattr(obj, "public_id", obj.pk)) if obj is not None else "",
        case_id=case_id,
        address=facts.address,
        request_id=facts.request_id,
        data=data,
        previous_hash=last[1] if last else GENESIS,
    )
    event.hash = event_hash(event)
    event.save(force_insert=True)
    return event
