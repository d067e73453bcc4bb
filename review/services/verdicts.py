"""Giving verdicts: one act at a time, only added, never on top of what the reader has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from audit.services import record
from classifier.models import Cell
from patients.choices import CaseStatus
from patients.errors import DomainError, KeyReused
from patients.models import Case
from review.choices import ActKind, Label, ReadingKind, ReportState
from review.current import CellState, cell_states, suggestion
from review.errors import NotYours, VerdictConflict
from review.models import Act, CellSeen, Presence, Reading, Report, Verdict

MOST_AT_ONCE = 500  # cells in one act
HERE_SECONDS = 30  # after which somebody who was not heard of has gone


@dataclass(frozen=True)
class Change:
    """One cell of an act: what the reader took it for, and what they call it."""

    cell: UUID
    before: str
    label: str


def why_closed(reading: Reading, actor: User) -> str:
    """Why this person may not write in the reading now, as a sentence; empty when they may."""
    if reading.kind == ReadingKind.PRIMARY:
        case = reading.case
        if case.reader_id != actor.pk:
            holder = f"{case.reader} holds it now" if case.reader_id else "nobody holds it now"
            return f"This case is not yours to read: {holder}."
        if case.status not in (CaseStatus.IN_REVIEW, CaseStatus.CLASSIFYING):
            return "This case is not in review."
        if Report.objects.filter(case=case, state=ReportState.AWAITING).exists():
            return (
                "The report of this case waits for its second signature, so its cells stay as they "
                "are."
            )
    elif reading.reader_id != actor.pk:
        return "This reading is somebody else's."
    elif reading.finished_at is not None:
        return "This reading is finished."
    return ""


def locked_reading(reading: Reading, actor: User) -> Reading:
    """The reading, held with its case until the transaction ends; NotYours unless the actor reads it.

    Lock order everywhere: case, then reading.
    """
    case = Case.objects.select_for_update().get(pk=reading.case_id)
    held = Reading.objects.select_for_update().get(pk=reading.pk)
    held.case = case
    if why := why_closed(held, actor):
        raise NotYours(f"{why} Nothing was saved.")
    return held


@transaction.atomic
def act_classify(
    *,
    actor: User,
    reading: Reading,
    key: str,
    changes: Sequence[Change],
    kind: str = ActKind.CLASSIFY,
) -> Act:
    """Call one or many cells something. Sent twice under the same key it is one act.

    Raises NotYours, VerdictConflict (a cell is no longer what ``before`` says), KeyReused, and
    DomainError for an act without cells, with too many, or with cells that are not the case's.
    """
    held = locked_reading(reading, actor)
    labels = {change.cell: change.label for change in changes}
    if earlier := Act.objects.filter(reading=held, key=key).first():
        return _the_same(earlier, kind, labels)
    if not 0 < len(changes) <= MOST_AT_ONCE or len(labels) != len(changes):
        raise DomainError(f"One act is about 1 to {MOST_AT_ONCE} different cells.", code="cells")
    states = _states_of(held, labels)
    _require_as_expected(states, {change.cell: change.before for change in changes})
    return _write(held, actor, key, kind, None, states, labels)


@transaction.atomic
def act_undo(*, actor: User, reading: Reading, key: str, of: UUID) -> Act:
    """Take an act back: each of its cells is called again what it was called before.

    An UNDO taken back is a REDO. Raises NotYours, KeyReused, VerdictConflict when a cell was called
    something else since, and DomainError when the act was taken back before or is not there.
    """
    held = locked_reading(reading, actor)
    target = Act.objects.filter(reading=held, public_id=of).first()
    if target is None:
        raise DomainError("There is no such act in this reading.", code="no_act")
    kind = ActKind.REDO if target.kind == ActKind.UNDO else ActKind.UNDO
    verdicts = {row.cell.public_id: row for row in target.verdicts.select_related("cell")}
    labels = {cell: row.before for cell, row in verdicts.items()}
    if earlier := Act.objects.filter(reading=held, key=key).first():
        return _the_same(earlier, kind, labels)
    if Act.objects.filter(of=target).exists():
        raise DomainError("This was taken back already.", code="taken_back")
    states = _states_of(held, labels, missing_ok=True)
    _require_as_expected(states, {cell: verdicts[cell].label for cell in states})
    return _write(held, actor, key, kind, target, states, labels)


@transaction.atomic
def cells_seen(*, actor: User, reading: Reading, cells: Sequence[UUID]) -> int:
    """Note that these cells were on the reader's screen, and that the reader is here."""
    held = locked_reading(reading, actor)
    found = Cell.objects.filter(
        image__case=held.case_id, image__removed_at__isnull=True, public_id__in=cells[:MOST_AT_ONCE]
    )
    rows = [CellSeen(reading=held, cell=cell, reader=actor) for cell in found]
    CellSeen.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def presence_note(*, actor: User, case: Case) -> list[User]:
    """The actor has this case open for reading; returns who else has."""
    now = timezone.now()
    Presence.objects.update_or_create(case=case, user=actor, defaults={"at": now})
    recent = Presence.objects.filter(case=case, at__gt=now - timedelta(seconds=HERE_SECONDS))
    return [row.user for row in recent.exclude(user=actor).select_related("user")]


def _states_of(
    reading: Reading, wanted: Mapping[UUID, str], *, missing_ok: bool = False
) -> dict[UUID, CellState]:
    states = {state.cell.public_id: state for state in cell_states(reading, cells=list(wanted))}
    if len(states) < len(wanted) and not missing_ok:
        raise DomainError(
            "A cell of this act is no longer in the case. Load the page again; nothing was saved.",
            code="no_cell",
        )
    return states


def _require_as_expected(states: Mapping[UUID, CellState], expected: Mapping[UUID, str]) -> None:
    conflicts = [
        {
            "cell": str(cell),
            "label": state.label,
            "expected": expected[cell],
            "by": str(state.verdict.act.reader) if state.verdict else "",
            "at": state.verdict.act.at.isoformat() if state.verdict else "",
        }
        for cell, state in states.items()
        if state.label != expected[cell]
    ]
    if conflicts:
        raise VerdictConflict(conflicts)


def _the_same(earlier: Act, kind: str, labels: Mapping[UUID, str]) -> Act:
    was = dict(earlier.verdicts.values_list("cell__public_id", "label"))
    if earlier.kind != kind or was != dict(labels):
        raise KeyReused("This act's key was used for another act before. Nothing was saved.")
    return earlier


def _write(
    reading: Reading,
    actor: User,
    key: str,
    kind: str,
    of: Act | None,
    states: Mapping[UUID, CellState],
    labels: Mapping[UUID, str],
) -> Act:
    for label in labels.values():
        if label not in Label.values:
            raise DomainError(f"There is no class {label!r}.", code="label")
    last = Act.objects.filter(reading=reading).aggregate(last=Max("number"))["last"] or 0
    act = Act.objects.create(
        reading=reading, number=last + 1, key=key, kind=kind, of=of, reader=actor
    )
    Verdict.objects.bulk_create(
        Verdict(
            act=act,
            cell=state.cell,
            label=labels[cell],
            before=state.label,
            suggested=suggestion(state.prediction),
        )
        for cell, state in states.items()
    )
    record(
        action="verdicts.given",
        actor=actor,
        obj=act,
        case_id=reading.case.public_id,
        kind=kind,
        number=act.number,
        count=len(states),
        reading=reading.kind,
    )
    return act
