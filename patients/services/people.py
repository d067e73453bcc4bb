"""Patients of an organisation."""

from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from audit.services import record
from patients.errors import PatientExists
from patients.models import Patient

FIELDS = ("mrn", "family_name", "given_name", "birth_date", "sex")


def _save(patient: Patient, **how: Any) -> None:
    try:
        with transaction.atomic():
            patient.save(**how)
    except IntegrityError as error:
        if not Patient.objects.filter(
            organisation_id=patient.organisation_id, mrn=patient.mrn
        ).exclude(pk=patient.pk):
            raise
        raise PatientExists(
            "Your organisation already has a patient with this MRN. Search for it and choose it."
        ) from error


@transaction.atomic
def patient_create(*, actor: User, **fields: Any) -> Patient:
    """A new patient of the actor's organisation. Raises PatientExists when the MRN is taken."""
    patient = Patient(organisation_id=actor.organisation_id, **_known(fields))
    _save(patient, force_insert=True)
    record(action="patient.created", actor=actor, obj=patient)
    return patient


@transaction.atomic
def patient_edit(*, actor: User, patient: Patient, **fields: Any) -> Patient:
    """Correct a patient's facts. The audit names the fields, never what they hold."""
    locked = Patient.objects.select_for_update().get(pk=patient.pk)
    changed = [name for name, value in _known(fields).items() if getattr(locked, name) != value]
    if not changed:
        return locked
    for name in changed:
        setattr(locked, name, fields[name])
    _save(locked, update_fields=changed)
    record(action="patient.edited", actor=actor, obj=locked, fields=sorted(changed))
    return locked


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise TypeError(f"not a patient's field: {', '.join(sorted(unknown))}")
    return fields
