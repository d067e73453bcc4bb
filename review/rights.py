"""Which reading a person opens, whether they may write in it, and whose they may follow."""

from accounts.models import User
from accounts.permissions import Action, allowed
from patients.models import Case
from review.blinding import model_hidden
from review.choices import ReadingKind
from review.models import Reading
from review.services.verdicts import why_closed


def reading_for(user: User, case: Case) -> Reading | None:
    """The reading that this person's desk opens; None while nobody has taken the case.

    A blinded second reading comes before everything else: until it is done, its reader sees no
    other. Then the primary one for whoever holds the case, their own second opinion, and for all
    others the primary one to look at.
    """
    readings = list(case.readings.order_by("pk"))
    mine = [reading for reading in readings if reading.reader_id == user.pk]
    primary = next((reading for reading in readings if reading.kind == ReadingKind.PRIMARY), None)
    blinded = [r for r in mine if r.kind == ReadingKind.SECOND and r.finished_at is None]
    opinions = [r for r in mine if r.kind == ReadingKind.OPINION]
    opinions.sort(key=lambda reading: reading.finished_at is not None)
    found: Reading | None
    if blinded:
        found = blinded[0]
    elif primary is not None and case.reader_id == user.pk:
        found = primary
    elif opinions:
        found = opinions[0]
    else:
        found = primary
    if found is not None:
        found.case = case
    return found


def may_write(user: User, reading: Reading) -> bool:
    """Whether a verdict of theirs would be taken now."""
    return allowed(user, Action.REVIEW) and not why_closed(reading, user)


def may_follow(user: User, reading: Reading) -> bool:
    """Whether they may see what is said in it.

    Their own always. Another's primary reading while it goes on, second readings and opinions when
    they are done, and none of it while it could sway a reading of theirs that is to come.
    """
    if not allowed(user, Action.REVIEW):
        return False
    mine = reading.reader_id == user.pk
    if reading.kind == ReadingKind.PRIMARY:
        mine = reading.case.reader_id == user.pk
    if mine:
        return True
    if reading.kind != ReadingKind.PRIMARY and reading.finished_at is None:
        return False
    return not model_hidden(user, reading.case)
