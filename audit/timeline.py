"""The history of one case, ready for its page."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from audit.models import AuditEvent
from audit.sentences import CASE_SENTENCES, sentence

LONGEST = 500  # events; a case page is no archive, the audit page is


@dataclass(frozen=True)
class TimelineRow:
    """One line: ``who`` (empty for the system itself) did ``what``, ``count`` times in a row."""

    at: datetime
    who: str
    what: str
    action: str
    outcome: str
    count: int = 1


def events_of(case_id: UUID) -> list[TimelineRow]:
    """What happened to the case with this ``public_id``, oldest first, at most the last 500 events.

    The same act of the same person several times in a row (twenty images, ten looks) is one line
    with a count, at the time of the first. One query.
    """
    newest = (
        AuditEvent.objects.filter(case_id=case_id, action__in=CASE_SENTENCES)
        .select_related("actor")
        .order_by("-sequence")[:LONGEST]
    )
    rows: list[TimelineRow] = []
    for event in reversed(newest):
        who = _name(event)
        last = rows[-1] if rows else None
        if (
            last
            and (last.who, last.action, last.outcome) == (who, event.action, event.outcome)
            and last.at.date() == event.at.date()
            and last.what == _what(event)
        ):
            rows[-1] = TimelineRow(
                last.at, who, last.what, last.action, last.outcome, last.count + 1
            )
        else:
            rows.append(TimelineRow(event.at, who, _what(event), event.action, event.outcome))
    return rows


def _name(event: AuditEvent) -> str:
    if event.actor_id is None:
        return ""
    return event.actor.get_full_name() if event.actor else event.actor_name


def _what(event: AuditEvent) -> str:
    text = sentence(event)
    if event.action == "case.status" and event.data.get("to"):
        return f"{text} to {str(event.data['to']).replace('_', ' ')}"
    return text
