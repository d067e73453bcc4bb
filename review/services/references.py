"""The reference cells of a reading organisation: kept and given up by its specialists."""

from django.db import transaction

from accounts.models import User
from audit.services import record
from classifier.models import Cell
from patients.errors import DomainError
from review.choices import Label
from review.models import ReferenceCell


@transaction.atomic
def reference_keep(*, actor: User, cell: Cell, label: str, note: str = "") -> ReferenceCell:
    """Keep a cell as an example of a class; kept before, it changes its class and note.

    Raises DomainError for a class that there is not.
    """
    if label not in Label.values or label == Label.UNIDENTIFIED:
        raise DomainError("Decide what this cell is, then keep it as a reference.", code="label")
    kept, _ = ReferenceCell.objects.update_or_create(
        organisation=actor.organisation,
        cell=cell,
        defaults={"label": label, "note": note[:200], "added_by": actor},
    )
    case_id = cell.image.case.public_id
    record(action="reference.kept", actor=actor, obj=cell, case_id=case_id, label=label)
    return kept


@transaction.atomic
def reference_drop(*, actor: User, cell: Cell) -> bool:
    """Keep a cell no longer; False when it was none."""
    kept, _ = ReferenceCell.objects.filter(organisation=actor.organisation, cell=cell).delete()
    if kept:
        case_id = cell.image.case.public_id
        record(action="reference.dropped", actor=actor, obj=cell, case_id=case_id)
    return bool(kept)
