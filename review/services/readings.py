"""Opening, committing and finishing readings; who reads first, blind, or for a second opinion."""

import hashlib

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.services import record
from patients import services as patients
from patients.errors import DomainError, MoveRefused
from patients.models import Case
from review import hooks
from review.choices import ReadingKind
from review.colleagues import colleagues
from review.current import cell_states
from review.errors import NotYours
from review.models import Reading
from review.policy import policy_of
from review.services.verdicts import locked_reading


def drawn(case: Case, share: float, purpose: str) -> bool:
    """Whether this case is among the share that is drawn for a purpose.

    By the case's own random identity: nobody chooses, nobody can try again, and a case that was
    drawn stays drawn.
    """
    digest = hashlib.sha256(f"{purpose}:{case.public_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64 < share


@transaction.atomic
def case_take(*, actor: User, case: Case) -> Reading:
    """A specialist takes a case to read; its primary reading is opened the first time.

    Whether it is read before the model's answers are shown, and whether somebody reads it a second
    time, blind, is drawn then, by the shares that the reader's organisation has set. Raises
    MoveRefused.
    """
    taken = patients.case_claim(actor=actor, case=case)
    policy = policy_of(actor.organisation)
    blind = drawn(taken, policy.read_before_model, "blind")
    reading = _open(taken, actor, ReadingKind.PRIMARY, blind=blind)
    if drawn(taken, policy.second_reading, "second"):
        _open(taken, actor, ReadingKind.SECOND, blind=True)
    return reading


def _open(case: Case, actor: User, kind: str, *, blind: bool) -> Reading:
    """The case's reading of this kind, opened the first time."""
    reading, opened = Reading.objects.get_or_create(case=case, kind=kind, defaults={"blind": blind})
    if opened:
        record(
            action="reading.opened",
            actor=actor,
            obj=reading,
            case_id=case.public_id,
            kind=kind,
            blind=reading.blind,
        )
    return reading


@transaction.atomic
def case_pass_on(*, actor: User, case: Case, to: User) -> Reading:
    """The specialist who holds a case hands it over; the colleague is told. Raises MoveRefused."""
    moved = patients.case_hand_over(actor=actor, case=case, to=to)
    reading = _open(moved, actor, ReadingKind.PRIMARY, blind=False)
    reading.case = moved
    hooks.case_handed_over(reading=reading, to=to)
    return reading


@transaction.atomic
def reading_commit(*, actor: User, reading: Reading) -> Reading:
    """The reader of a blind reading stands by their verdicts, and may now see the model's answers.

    Every cell must be decided. A second reading is finished by it. Once committed, for ever.
    """
    held = locked_reading(reading, actor)
    if not held.blind or held.committed_at is not None:
        return held
    open_cells = sum(not state.decided for state in cell_states(held))
    if open_cells:
        raise DomainError(
            f"{open_cells} {'cell is' if open_cells == 1 else 'cells are'} not decided yet. "
            "Decide on each, then show the model's answers.",
            code="undecided",
        )
    held.committed_at = timezone.now()
    changed = ["committed_at"]
    if held.kind == ReadingKind.SECOND:
        held.finished_at = held.committed_at
        changed.append("finished_at")
    held.save(update_fields=changed)
    record(
        action="reading.committed",
        actor=actor,
        obj=held,
        case_id=held.case.public_id,
        kind=held.kind,
    )
    return held


@transaction.atomic
def opinion_ask(*, actor: User, case: Case, of: User, question: str) -> Reading:
    """Whoever holds a case asks a colleague what they see; the case stays with the asker."""
    locked = Case.objects.select_for_update().get(pk=case.pk)
    if locked.reader_id != actor.pk:
        raise NotYours("Only the specialist who holds the case asks for a second opinion.")
    if not colleagues(actor, locked).filter(pk=of.pk).exists():
        raise MoveRefused(f"{of} cannot be asked about this case.")
    waiting = Reading.objects.filter(
        case=locked, kind=ReadingKind.OPINION, reader=of, finished_at__isnull=True
    ).first()
    if waiting is not None:
        return waiting
    reading = Reading.objects.create(
        case=locked, kind=ReadingKind.OPINION, reader=of, asked_by=actor, question=question
    )
    hooks.opinion_asked(reading=reading)
    record(
        action="opinion.asked",
        actor=actor,
        obj=reading,
        case_id=locked.public_id,
        to=str(of.public_id),
    )
    return reading


@transaction.atomic
def opinion_give(*, actor: User, reading: Reading) -> Reading:
    """The colleague is done; what they said stays beside the primary reading."""
    held = locked_reading(reading, actor)
    if held.kind != ReadingKind.OPINION:
        raise DomainError("This is not a second opinion.", code="kind")
    held.finished_at = timezone.now()
    held.save(update_fields=["finished_at"])
    hooks.opinion_given(reading=held)
    record(action="opinion.given", actor=actor, obj=held, case_id=held.case.public_id)
    return held


@transaction.atomic
def second_take(*, actor: User, reading: Reading) -> Reading:
    """A specialist who has not read the case takes its blinded second reading."""
    case = Case.objects.select_for_update().get(pk=reading.case_id)
    held = Reading.objects.select_for_update().get(pk=reading.pk)
    if held.reader_id == actor.pk:
        return held
    if held.kind != ReadingKind.SECOND or held.reader_id is not None:
        raise MoveRefused("This second reading is taken.")
    if has_read(actor, case):
        raise MoveRefused("You have read this case yourself; somebody else reads it a second time.")
    held.reader = actor
    held.save(update_fields=["reader"])
    record(action="reading.taken", actor=actor, obj=held, case_id=case.public_id, kind=held.kind)
    return held


def has_read(user: User, case: Case) -> bool:
    """Whether this person has given a verdict, an opinion or a signature on the case."""
    return (
        case.reader_id == user.pk
        or case.readings.filter(acts__reader=user).exists()
        or case.readings.filter(kind=ReadingKind.OPINION, reader=user).exists()
        or case.reports.filter(signatures__signer=user).exists()
    )
