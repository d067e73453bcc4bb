"""Data sets on other pages, and how theirs say things."""

from typing import Any

from django import template
from django.template.context import Context

from accounts.models import Organisation
from accounts.permissions import Action, allowed
from datasets.consents import consents
from review.choices import LETTERS, Label

register = template.Library()

_LETTERS = {
    **{str(label): letter for label, letter in LETTERS.items()},
    "ig": LETTERS[Label.IMMATURE_GRANULOCYTE],
}


@register.inclusion_tag("datasets/_organisation.html", takes_context=True)
def organisation_consent(context: Context, organisation: Organisation) -> dict[str, Any]:
    """On an organisation's page: whether its signed cells may be used for training."""
    if not allowed(context["request"].user, Action.MANAGE_DATA_SETS):
        return {}
    return {"organisation": organisation, "given": consents(organisation)}


@register.filter
def kind_hue(kind: str) -> str:
    """The CSS class that carries a class's hue; none for kinds that have none."""
    letter = _LETTERS.get(kind, "")
    return f"hue-{letter.lower()}" if letter and letter != "?" else ""


@register.filter
def kind_letter(kind: str) -> str:
    return _LETTERS.get(kind, "")
