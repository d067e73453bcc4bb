"""How patients and cases are said in a word or two."""

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils import timezone

from patients.images import WARNINGS
from patients.models import Case, Patient

register = template.Library()

_LETTERS = {"female": "F", "male": "M", "other": "other sex", "unknown": "sex unknown"}


@register.filter
def age_and_sex(patient: Patient) -> str:
    """ "54 F"; says so where either is not known."""
    age = patient.age_on(timezone.localdate())
    sex = _LETTERS[patient.sex]
    return f"{'age unknown,' if age is None else age} {sex}"


@register.filter
def since(case: Case) -> datetime:
    """Since when a case waits: its submission, or for a draft its opening."""
    return case.submitted_at or case.created_at


@register.filter
def waiting(case: Case) -> str:
    """How long ago a case was submitted (a draft: opened): "12 min", "3 h", "5 d"."""
    minutes = max(0, int((timezone.now() - since(case)).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


@register.filter
def plain_number(value: Decimal) -> str:
    """As people write it: "7.2" of 7.20, "20" of 20.00."""
    return format(value.normalize(), "f")


@register.filter
def warning_sentence(code: str) -> str:
    """What a picture's warning means."""
    return WARNINGS.get(code, code)
