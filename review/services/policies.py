"""Setting an organisation's rules: a new row each time, never a changed one."""

from typing import Any

from django.db import transaction

from accounts.models import Organisation, User
from audit.services import record
from patients.errors import StaleEdit
from review.models import ReadingPolicy
from review.policy import Policy, policy_from
from review.policy_history import changed_paths
from review.policy_values import PolicyRefused, parse, stored

LONGEST_REASON = 300


@transaction.atomic
def policy_set(
    *,
    actor: User,
    organisation: Organisation,
    values: dict[str, Any],
    reason: str,
    expected: int | None = None,
) -> ReadingPolicy | None:
    """Put these values over the house's defaults from now on; returns the row in force.

    ``values`` as ``review.policy_values.parse`` takes them: all that shall differ, not only what is
    new. ``expected`` is the number of the rules that the form showed (0: the house's). Setting what
    is in force already is quiet, and adds no row (None where there is none). Raises PolicyRefused,
    StaleEdit.
    """
    Organisation.objects.select_for_update().get(pk=organisation.pk)
    last = ReadingPolicy.objects.filter(organisation=organisation).order_by("-number").first()
    before = Policy() if last is None else policy_from(last, name=organisation.name)
    after = Policy(**parse(values))
    fields = changed_paths(before, after)
    if not fields:
        return last
    if expected is not None and expected != before.number:
        raise StaleEdit(
            f"Somebody else changed these rules while you were writing; {before.identity} is in "
            "force now. Nothing of yours is lost: look at what they changed, and save again if "
            "yours shall stand."
        )
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise PolicyRefused({"reason": f"Say why, in at most {LONGEST_REASON} characters."})
    row = ReadingPolicy.objects.create(
        organisation=organisation,
        number=before.number + 1,
        values=stored(after),
        reason=reason,
        created_by=actor,
    )
    record(
        action="policy.set",
        actor=actor,
        obj=row,
        organisation=str(organisation.public_id),
        number=row.number,
        # Of the ranges only that they changed: a group's name is what somebody typed.
        fields=sorted(
            {"age_groups" if path.startswith("age_groups.") else path for path in fields}
        ),
    )
    return row
