"""How pages write alarms, rates and measures; and how many alarms are open, for other pages."""

from typing import Any

from django import template
from django.template.context import Context

from monitoring.alarms import MEASURES, open_alarms
from monitoring.choices import AlarmKind
from monitoring.drift import DISTANCE_LIMIT, PSI_LIMIT
from monitoring.models import Alarm
from monitoring.shares import Rate

register = template.Library()

LIMITS = {"confidence": PSI_LIMIT, "classes": PSI_LIMIT, "appearance": DISTANCE_LIMIT}
ADVICE = {
    AlarmKind.CONFIDENCE: "Is the model less sure than it was, or surer? A new lot of stain, another "
    "lamp, white balance or compression of the camera changes how cells look. Look at some of the "
    "newest pictures with somebody who may, and at the charts by week.",
    AlarmKind.CLASSES: "Other cells may have come: another ward, a study, a patient with many of one "
    "kind. Or the model takes one class for another since something changed. Compare with what was "
    "signed, in the table of said against signed.",
    AlarmKind.APPEARANCE: "Cells of the same class lie elsewhere in the model's own description of "
    "them. Most often that is stain, light, focus or scanner. Ask the site what changed, and look at "
    "whether readers override the model more often since.",
    AlarmKind.ABSTENTION: "More cells are left to be read by eye. The model does what it should with "
    "cells that it does not know; find out why they come: stain, focus, magnification, other cells.",
    AlarmKind.OVERRIDES: "Readers call more cells something else than the model did. See in the table "
    "of said against signed which classes it is about, and whether it is one organisation or all. "
    "A single patient with unusual cells can do it, too.",
}


@register.filter
def alarm_says(alarm: Alarm) -> str:
    return MEASURES[AlarmKind(alarm.kind)]


@register.filter
def alarm_advice(alarm: Alarm) -> str:
    return ADVICE[AlarmKind(alarm.kind)]


@register.filter
def alarm_of(alarm: Alarm) -> str:
    """Where: the stream, or the organisation."""
    return str(alarm.stream or alarm.organisation)


@register.filter
def alarm_value(value: float, kind: str) -> str:
    """A PSI or a distance as it is, a rate in per cent."""
    if kind in (AlarmKind.ABSTENTION, AlarmKind.OVERRIDES):
        return f"{100 * value:.1f} %"
    return f"{value:.2f}" if kind != AlarmKind.APPEARANCE else f"{value:.3f}"


@register.filter
def alarm_figures(alarm: Alarm) -> str:
    """What was measured last against the limit."""
    latest, limit = (alarm_value(value, alarm.kind) for value in (alarm.latest, alarm.limit))
    return f"Last measured {latest}, limit {limit}"


@register.inclusion_tag("monitoring/_rate.html")
def rate(found: Rate) -> dict[str, Any]:
    """A rate with its interval; says where it rests on few cells."""
    return {"rate": found}


@register.inclusion_tag("monitoring/_measure.html")
def measure(value: float | None, kind: str) -> dict[str, Any]:
    """A measure of drift; one above its limit is marked in words, too."""
    digits = 3 if kind == "appearance" else 2
    return {
        "text": "–" if value is None else f"{value:.{digits}f}",
        "over": value is not None and value > LIMITS[kind],
    }


@register.simple_tag(takes_context=True)
def alarms_open(context: Context) -> int:
    """For the navigation of who may see them: one query of a small index."""
    may = context.get("may") or {}
    return open_alarms() if may.get("monitoring") else 0
