"""Recomputing the whole chain and comparing it with the anchors."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from audit.anchors import Anchor
from audit.chain import GENESIS, event_hash
from audit.models import AuditEvent


@dataclass(frozen=True)
class Finding:
    """The first place where the record is not what was written."""

    sequence: int
    kind: str  # edited, removed, inserted, reordered, rewritten, cut
    message: str


@dataclass(frozen=True)
class Verified:
    """``events`` were recomputed, ``anchors`` of them compared; ``finding`` is None if all is well."""

    events: int
    anchors: int
    finding: Finding | None = None


def verify(
    *, anchors: Iterable[Anchor] = (), advance: Callable[[], object] = lambda: None
) -> Verified:
    """Walk the chain in order, in constant memory, and stop at the first thing that is wrong.

    ``advance`` is called once per event (progress).
    """
    expected = {anchor.sequence: anchor.hash for anchor in anchors}
    previous: AuditEvent | None = None
    checked = 0
    for event in AuditEvent.objects.order_by("sequence").iterator(chunk_size=2000):
        finding = _wrong(event, previous) or _differs(event, expected)
        if finding:
            return Verified(checked, 0, finding)
        previous = event
        checked += 1
        advance()
    last = previous.sequence if previous else 0
    beyond = [sequence for sequence in expected if sequence > last]
    if beyond:
        return Verified(
            checked,
            len(expected),
            Finding(
                last + 1,
                "cut",
                f"Events {last + 1} to {max(beyond)} or later are gone: an anchor saw them.",
            ),
        )
    return Verified(checked, len(expected))


def _wrong(event: AuditEvent, previous: AuditEvent | None) -> Finding | None:
    due = previous.sequence + 1 if previous else 1
    link = previous.hash if previous else GENESIS
    if event.sequence != due:
        gone = (
            f"Event {due} is"
            if event.sequence == due + 1
            else f"Events {due} to {event.sequence - 1} are"
        )
        return Finding(due, "removed", f"{gone} missing.")
    own = event_hash(event) == event.hash
    if event.previous_hash == link:
        return None if own else _changed(event, link)
    if previous and event.previous_hash == previous.previous_hash:
        return Finding(
            previous.sequence, "inserted", f"Event {previous.sequence} was put in afterwards."
        )
    if AuditEvent.objects.filter(hash=event.previous_hash).exists():
        return Finding(
            due, "reordered", f"Event {due} does not follow the event that it was written after."
        )
    if own and previous:
        return Finding(
            previous.sequence, "edited", f"Event {previous.sequence} was changed and hashed anew."
        )
    return Finding(due, "removed", f"The event that was number {due} is gone.")


def _changed(event: AuditEvent, link: str) -> Finding:
    """The row follows its predecessor, but its own hash is not that of its content."""
    following = AuditEvent.objects.filter(sequence=event.sequence + 1).first()
    if following and following.previous_hash == link:
        return Finding(event.sequence, "inserted", f"Event {event.sequence} was put in afterwards.")
    return Finding(event.sequence, "edited", f"Event {event.sequence} was changed.")


def _differs(event: AuditEvent, expected: dict[int, str]) -> Finding | None:
    if expected.get(event.sequence, event.hash) == event.hash:
        return None
    return Finding(
        event.sequence,
        "rewritten",
        f"Event {event.sequence} or one before it was rewritten: an anchor saw another hash.",
    )
