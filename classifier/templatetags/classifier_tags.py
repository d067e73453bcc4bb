"""``{% case_cells case %}``: the cells of a case, live while they are being read."""

import json
from typing import Any
from urllib.parse import urlencode

from django import template
from django.template.context import Context
from django.urls import reverse

from accounts.permissions import Action, allowed
from classifier import progress
from classifier.choices import ModelState
from classifier.gallery import PAGE, Gallery, case_gallery
from classifier.hiding import HIDDEN, answers_hidden
from classifier.models import ModelVersion

register = template.Library()


def cells_context(request: Any, case: Any, *, notice: str = "") -> dict[str, Any]:
    """Context of ``classifier/_cells.html`` for this person and the query string's view of it."""
    if answers_hidden(request.user, case):
        return {"request": request, "case": case, "hidden": HIDDEN}
    seen = progress.stamp(case)  # before the tiles: a change in between is then shown next time
    gallery = case_gallery(
        case,
        sort=request.GET.get("sort", ""),
        group=request.GET.get("class", ""),
        limit=_number(request.GET.get("n", "")),
    )
    address = reverse("classifier:cells", args=[case.public_id])
    view = {"sort": gallery.sort, "class": gallery.group, "n": gallery.limit}
    model_missing = (
        bool(gallery.jobless) and not ModelVersion.objects.filter(state=ModelState.ACTIVE).exists()
    )
    return {
        "request": request,
        "case": case,
        "gallery": gallery,
        "address": f"{address}?{urlencode(view)}",
        "poll_address": f"{address}?{urlencode({**view, 'since': seen})}",
        "stamp": seen,
        "interval": progress.poll_seconds(gallery.open),
        "left": progress.wait(case) if gallery.open else None,
        "model_missing": model_missing,
        "may_retry": allowed(request.user, Action.RETRY_CELL, case),
        "notice": notice,
    }


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else PAGE


@register.inclusion_tag("classifier/_case_cells.html", takes_context=True)
def case_cells(context: Context, case: Any) -> dict[str, Any]:
    """The whole section: toolbar, live partial, zoom dialog and their script."""
    return cells_context(context["request"], case)


@register.simple_tag
def view_query(gallery: Gallery, **changes: Any) -> str:
    """The query string of the gallery's view with these changes ("group" is the class filter)."""
    view: dict[str, Any] = {"sort": gallery.sort, "class": gallery.group}
    view.update({"class" if name == "group" else name: value for name, value in changes.items()})
    return urlencode({name: value for name, value in view.items() if value and value != "order"})


@register.filter
def figure_title(name: str) -> str:
    """ "Learning curves" of learning_curves.png."""
    return name.removesuffix(".png").replace("_", " ").capitalize()


@register.filter
def as_json(value: Any) -> str:
    """Compact JSON for a data attribute; the template escapes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
