"""The life of a case: who moves it where, and what follows."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.permissions import Action, allowed
from audit.services import record
from patients import ports
from patients.choices import ALLOWED_MOVES, CaseStatus
from patients.errors import MoveRefused
from patients.models import Case


def locked_case(case: Case) -> Case:
    """The case as it is now, held until the transaction ends."""
    return Case.objects.select_for_update().get(pk=case.pk)


def require_move(case: Case, to: str, sentence: str) -> None:
    """Raise MoveRefused with the sentence unless the table of moves allows it."""
    if to not in ALLOWED_MOVES[case.status]:
        raise MoveRefused(sentence)


@transaction.atomic
def case_move(*, case: Case, to: str, actor: User | None = None) -> Case:
    """Move a case in its workflow, on behalf of the house (``actor`` None) or of a person.

    READY for a case that a specialist holds means IN_REVIEW: pictures were added while they were
    reading, and it returns to them. Raises MoveRefused when the table of moves does not allow it.
    """
    moved = locked_case(case)
    if to == CaseStatus.READY and moved.status == CaseStatus.CLASSIFYING and moved.reader_id:
        to = CaseStatus.IN_REVIEW
    if to == CaseStatus.IN_REVIEW and moved.reader_id is None:
        raise MoveRefused("A case is in review only while a specialist holds it.")
    came_from = moved.status
    require_move(
        moved,
        to,
        f"A case that is {moved.get_status_display().lower()} cannot become "
        f"{CaseStatus(to).label.lower()}.",
    )
    moved.status = to
    changed = ["status", "updated_at"]
    if to in (CaseStatus.READY, CaseStatus.SIGNED, CaseStatus.WITHDRAWN) and moved.reader_id:
        moved.reader = None
        changed.append("reader")
    moved.save(update_fields=changed)
    record(
        action="case.status",
        actor=actor,
        obj=moved,
        case_id=moved.public_id,
        **{"from": str(came_from), "to": str(to)},
    )
    if (came_from, to) == (CaseStatus.CLASSIFYING, CaseStatus.READY):
        for following in ports.following():
            following.case_ready(case=moved)
    return moved


@transaction.atomic
def case_submit(*, actor: User, case: Case) -> Case:
    """Hand a draft to the reading: needs a picture. A second call finds it done and changes nothing."""
    locked = locked_case(case)
    if locked.submitted_at is not None and locked.status != CaseStatus.WITHDRAWN:
        return locked
    require_move(locked, CaseStatus.CLASSIFYING, "This case was withdrawn; open a new one.")
    images = list(locked.images.present())
    if not images:
        raise MoveRefused(
            "There is no picture in this case yet. Add at least one, then submit.", code="no_images"
        )
    locked.status = CaseStatus.CLASSIFYING
    locked.submitted_at = timezone.now()
    locked.save(update_fields=["status", "submitted_at", "updated_at"])
    record(
        action="case.submitted",
        actor=actor,
        obj=locked,
        case_id=locked.public_id,
        images=len(images),
        priority=locked.priority,
    )
    for reading in ports.readings():
        reading.images_received(case=locked, images=images)
    return locked


@transaction.atomic
def case_withdraw(*, actor: User, case: Case) -> Case:
    """Take a case back for good. Refused while a specialist holds it."""
    locked = locked_case(case)
    if locked.status == CaseStatus.WITHDRAWN:
        return locked
    held = "A specialist is reading this case. Ask them to release it, then withdraw it."
    require_move(locked, CaseStatus.WITHDRAWN, held)
    if locked.reader_id is not None:
        raise MoveRefused(held)
    came_from = locked.status
    locked.status = CaseStatus.WITHDRAWN
    locked.save(update_fields=["status", "updated_at"])
    record(
        action="case.withdrawn",
        actor=actor,
        obj=locked,
        case_id=locked.public_id,
        **{"from": str(came_from)},
    )
    for reading in ports.readings():
        reading.case_withdrawn(case=locked)
    return locked


@transaction.atomic
def case_claim(*, actor: User, case: Case) -> Case:
    """A specialist takes a case that is ready. Claiming one's own again changes nothing."""
    locked = locked_case(case)
    if locked.reader_id == actor.pk:
        return locked
    if locked.reader_id is not None:
        raise MoveRefused(f"{locked.reader} is already reading this case.", code="claimed")
    if locked.status == CaseStatus.SIGNED:
        raise MoveRefused("This case is signed. To change its report, amend it.")
    if locked.status == CaseStatus.CLASSIFYING:  # may become IN_REVIEW, but only for its reader
        raise MoveRefused("This case is not ready yet: its cells are still being classified.")
    require_move(
        locked,
        CaseStatus.IN_REVIEW,
        "This case cannot be reviewed: it is not submitted, or it was withdrawn.",
    )
    locked.status = CaseStatus.IN_REVIEW
    locked.reader = actor
    locked.save(update_fields=["status", "reader", "updated_at"])
    record(action="case.claimed", actor=actor, obj=locked, case_id=locked.public_id)
    for following in ports.following():
        following.case_taken(case=locked)
    return locked


@transaction.atomic
def case_release(*, actor: User, case: Case) -> Case:
    """The specialist who holds a case gives it back to the worklist."""
    locked = locked_case(case)
    if locked.reader_id != actor.pk:
        raise MoveRefused("You are not holding this case, so there is nothing to release.")
    locked.reader = None
    if locked.status == CaseStatus.IN_REVIEW:
        locked.status = CaseStatus.READY
    locked.save(update_fields=["status", "reader", "updated_at"])
    record(action="case.released", actor=actor, obj=locked, case_id=locked.public_id)
    return locked


@transaction.atomic
def case_hand_over(*, actor: User, case: Case, to: User) -> Case:
    """The specialist who holds a case gives it to a colleague, who must be able to see it."""
    locked = locked_case(case)
    if locked.reader_id != actor.pk:
        raise MoveRefused("You are not holding this case, so you cannot hand it over.")
    if to.pk == actor.pk:
        return locked
    if not (
        allowed(to, Action.CLAIM_CASE, locked)
        and Case.objects.visible_to(to).filter(pk=locked.pk).exists()
    ):
        raise MoveRefused(f"{to} cannot read this case.")
    locked.reader = to
    locked.save(update_fields=["reader", "updated_at"])
    record(
        action="case.handed_over",
        actor=actor,
        obj=locked,
        case_id=locked.public_id,
        to=str(to.public_id),
    )
    return locked


@transaction.atomic
def case_reopen(*, actor: User, case: Case) -> Case:
    """A specialist takes a signed case in hand again, to amend its report."""
    locked = locked_case(case)
    if locked.reader_id == actor.pk:
        return locked
    if locked.reader_id is not None:
        raise MoveRefused(f"{locked.reader} is already amending this case.", code="claimed")
    if locked.status != CaseStatus.SIGNED:
        raise MoveRefused("Only a signed case can be amended.")
    locked.status = CaseStatus.IN_REVIEW
    locked.reader = actor
    locked.save(update_fields=["status", "reader", "updated_at"])
    record(action="case.reopened", actor=actor, obj=locked, case_id=locked.public_id)
    return locked
