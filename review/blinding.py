"""Who must not see the model's answers yet, nor another reader's verdicts."""

from typing import Any

from accounts.models import Role
from patients.choices import CaseStatus
from patients.models import Case
from review.choices import ReadingKind
from review.current import primary_reading
from review.models import Reading
from review.policy import policy_of
from review.services.readings import drawn, has_read

BEFORE = (CaseStatus.CLASSIFYING, CaseStatus.READY)


def model_hidden(user: Any, case: Case) -> bool:
    """True for a specialist while the model's answers could sway a reading that is to come.

    That is: their case is read before the model and not committed; it is not taken yet and would be
    if they took it; or a blinded second reading of it is open, which they owe or may still take.
    """
    if user.role != Role.SPECIALIST:
        return False
    primary = primary_reading(case)
    if primary is None:
        before = case.status in BEFORE and case.reader_id is None
        return before and drawn(case, policy_of(user.organisation).read_before_model, "blind")
    if primary.hides_model:
        return True
    second = Reading.objects.filter(
        case=case, kind=ReadingKind.SECOND, finished_at__isnull=True
    ).first()
    if second is None:
        return False
    return second.reader_id == user.pk or (second.reader_id is None and not has_read(user, case))
