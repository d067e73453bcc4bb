"""Objects for tests, made with as little as the database accepts."""

import itertools
from dataclasses import dataclass
from functools import cache

from django.contrib.auth.hashers import get_hasher, make_password

from accounts.models import Organisation, ReadingGrant, Role, User
from patients.choices import Sex
from patients.models import Case, Patient

PASSWORD = "correct-horse-battery"
_numbers = itertools.count(1)


@cache
def _encoded(algorithm: str) -> str:
    """Of PASSWORD, once a process: a hash is slow on purpose, and every test has nine people."""
    return make_password(PASSWORD, hasher=algorithm)


def make_user(role: str, organisation: Organisation, *, email: str = "", name: str = "") -> User:
    number = next(_numbers)
    return User.objects.create(
        email=email or f"user{number}@example.org",
        password=_encoded(get_hasher().algorithm),
        full_name=name or f"User {number}",
        role=role,
        organisation=organisation,
    )


@dataclass
class People:
    """``clinic`` grants ``centre`` reading access; ``elsewhere`` has nothing to do with them."""

    clinic: Organisation
    centre: Organisation
    elsewhere: Organisation
    clinician: User
    colleague: User
    specialist: User
    administrator: User
    other_clinician: User
    other_specialist: User


def make_people() -> People:
    clinic = Organisation.objects.create(name=f"Clinic {next(_numbers)}")
    centre = Organisation.objects.create(name=f"Reading centre {next(_numbers)}")
    elsewhere = Organisation.objects.create(name=f"Elsewhere {next(_numbers)}")
    ReadingGrant.objects.create(referring=clinic, reading=centre)
    return People(
        clinic=clinic,
        centre=centre,
        elsewhere=elsewhere,
        clinician=make_user(Role.CLINICIAN, clinic),
        colleague=make_user(Role.CLINICIAN, clinic),
        specialist=make_user(Role.SPECIALIST, centre),
        administrator=make_user(Role.ADMINISTRATOR, centre),
        other_clinician=make_user(Role.CLINICIAN, elsewhere),
        other_specialist=make_user(Role.SPECIALIST, elsewhere),
    )


def make_patient(organisation: Organisation, **fields) -> Patient:
    number = next(_numbers)
    fields = {"mrn": f"M{number:05}", "family_name": f"Family{number}", "sex": Sex.FEMALE} | fields
    return Patient.objects.create(organisation=organisation, **fields)


def make_case(clinician: User, **fields) -> Case:
    number = next(_numbers)
    fields = {"number": f"TH-2026-{number:05}"} | fields
    if "patient" not in fields:
        fields["patient"] = make_patient(clinician.organisation)
    return Case.objects.create(organisation=clinician.organisation, created_by=clinician, **fields)
