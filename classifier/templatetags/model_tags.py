"""How the model pages write figures, intervals and names of kinds."""

from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from classifier.inference.classes import CLASSES
from classifier.stated import Figure

register = template.Library()

KINDS = {"ig": "immature granulocyte"}  # as data sets write them -> as people do


@register.filter
def kind_name(kind: str) -> str:
    """ "Immature granulocyte" of ig, "Not a cell" of not_a_cell."""
    words = KINDS.get(kind, kind).replace("_", " ")
    return words[:1].upper() + words[1:]


@register.filter
def class_hue(kind: str) -> str:
    """The CSS class that carries a class's hue; none for other kinds."""
    return f"hue-{kind[0]}" if kind in CLASSES else ""


@register.filter
def breakable(name: str) -> SafeString:
    """A path that is broken behind its slashes, where a narrow screen has to."""
    return mark_safe(escape(name).replace("/", "/<wbr>"))  # noqa: S308 - every part is escaped


@register.filter
def four(value: float | None) -> str:
    """ "0.9920"; a dash of nothing."""
    return "–" if value is None else f"{value:.4f}"


@register.filter
def percent(value: float | None) -> str:
    """ "6.1 %" of 0.0613; a dash of nothing."""
    return "–" if value is None else f"{100 * value:.1f} %"


@register.filter
def ends(interval: tuple[float, float] | None) -> str:
    """ "0.987–0.996"; empty of no interval."""
    return f"{interval[0]:.3f}–{interval[1]:.3f}" if interval else ""


@register.filter
def fine_ends(interval: tuple[float, float] | None) -> str:
    """ "0.9950–1.0000", where three digits would be all nines."""
    return f"{interval[0]:.4f}–{interval[1]:.4f}" if interval else ""


@register.filter
def percent_ends(interval: tuple[float, float] | None) -> str:
    """ "5.0–7.5"; empty of no interval."""
    return f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}" if interval else ""


@register.filter
def hundredths(value: float) -> str:
    """A share as a place on a scale of 100 units."""
    return f"{100 * min(1.0, max(0.0, value)):.1f}"


@register.filter
def signed(value: float) -> str:
    """ "+0.0020" or "−0.0020"."""
    return (
        f"{value:+.4f}".replace("-", "−").replace("+0.0000", "0.0000").replace("−0.0000", "0.0000")
    )


@register.inclusion_tag("classifier/_figure.html")
def figure(found: Figure | None, *, share: bool = False) -> dict[str, Any]:
    """A stated figure with its interval below it; ``share``: in per cent."""
    return {"found": found, "share": share}
