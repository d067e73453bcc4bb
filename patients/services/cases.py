"""Opening a case and editing its details."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from audit.services import record
from patients.choices import CaseStatus
from patients.errors import KeyReused, MoveRefused, StaleEdit
from patients.models import Case, CaseCounter, Patient
from patients.services.people import patient_create

DETAILS = (
    "priority",
    "clinical_question",
    "stain",
    "magnification",
    "device",
    "site",
    "total_wbc",
    "pixel_size_nm",
)


def _next_number() -> str:
    """The next number of this year. The counter's row is locked until the case commits, so that
    numbers have no gap: what rolls back gives its number back."""
    year = timezone.localdate().year
    CaseCounter.objects.get_or_create(year=year)
    CaseCounter.objects.filter(year=year).update(last=F("last") + 1)
    return f"TH-{year}-{CaseCounter.objects.get(year=year).last:05}"


def case_create(
    *,
    actor: User,
    patient: Patient | None = None,
    new_patient: dict[str, Any] | None = None,
    key: str = "",
    synthetic: bool = False,
    **details: Any,
) -> Case:
    """Open a draft for a patient, or for a new patient made in the same transaction.

    ``key``: the form's own; sent twice it gives the same case. Raises KeyReused when it comes back
    for another patient, PatientExists when the new patient's MRN is taken.
    """
    if (patient is None) == (new_patient is None):
        raise TypeError("either patient or new_patient")
    earlier = _created_before(actor, key)
    if earlier is None:
        try:
            return _create(actor, patient, new_patient, key, synthetic, _known(details))
        except IntegrityError:
            earlier = _created_before(actor, key)  # the same form, a moment earlier
            if earlier is None:
                raise
    mrn = patient.mrn if patient else (new_patient or {}).get("mrn")
    if mrn != earlier.patient.mrn or (patient and patient.pk != earlier.patient_id):
        raise KeyReused(
            f"This form has already opened {earlier.number} for another patient. "
            "Nothing was changed; open a new form for this patient."
        )
    return earlier


def _created_before(actor: User, key: str) -> Case | None:
    if not key:
        return None
    return Case.objects.filter(created_by=actor, creation_key=key).select_related("patient").first()


@transaction.atomic
def _create(
    actor: User,
    patient: Patient | None,
    new_patient: dict[str, Any] | None,
    key: str,
    synthetic: bool,
    details: dict[str, Any],
) -> Case:
    number = _next_number()  # first: whoever sends the same form at once waits here
    if key and (earlier := _created_before(actor, key)):
        raise IntegrityError(f"form already opened {earlier.number}")
    if patient is None:
        patient = patient_create(actor=actor, **(new_patient or {}))
    case = Case.objects.create(
        number=number,
        organisation_id=actor.organisation_id,
        patient=patient,
        created_by=actor,
        creation_key=key,
        synthetic=synthetic,
        **details,
    )
    record(action="case.created", actor=actor, obj=case, case_id=case.public_id, number=case.number)
    return case


@transaction.atomic
def case_edit(*, actor: User, case: Case, version: int, **details: Any) -> Case:
    """Save details of a case. ``version`` is the one that the form was opened with.

    Sending the same again is quiet (a lost answer may be retried). Raises StaleEdit when somebody
    else saved something different meanwhile: nothing is overwritten, the caller shows both.
    """
    locked = Case.objects.select_for_update().get(pk=case.pk)
    changed = [name for name, value in _known(details).items() if getattr(locked, name) != value]
    if not changed:
        return locked
    if locked.status == CaseStatus.WITHDRAWN:
        raise MoveRefused("This case was withdrawn; its details can no longer be changed.")
    if locked.status == CaseStatus.SIGNED:
        raise MoveRefused(
            "This case is signed, and its report rests on these details. Write in the thread what "
            "is wrong, and the specialist can amend the report."
        )
    if locked.version != version:
        raise StaleEdit(
            "Somebody else saved these details while you were writing. Nothing of yours is lost: "
            "compare the two versions and choose."
        )
    for name in changed:
        setattr(locked, name, details[name])
    locked.version += 1
    locked.save(update_fields=[*changed, "version", "updated_at"])
    record(
        action="case.edited",
        actor=actor,
        obj=locked,
        case_id=locked.public_id,
        fields=sorted(changed),
        version=locked.version,
    )
    return locked


def _known(details: dict[str, Any]) -> dict[str, Any]:
    unknown = set(details) - set(DETAILS)
    if unknown:
        raise TypeError(f"not a detail of a case: {', '.join(sorted(unknown))}")
    return details
