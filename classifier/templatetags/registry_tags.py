"""The registry on a model's page."""

from typing import Any

from django import template
from django.template.context import Context

from accounts.permissions import Action, allowed
from classifier.choices import ModelState
from classifier.inference.discovery import SHIPPED
from classifier.model_pages import ModelFacts

register = template.Library()


@register.inclusion_tag("classifier/_registry_panel.html", takes_context=True)
def registry_panel(context: Context, model: ModelFacts) -> dict[str, Any]:
    """Aliases, where the files lie, and setting aside; empty for who may not."""
    request = context["request"]
    if not allowed(request.user, Action.MANAGE_MODELS):
        return {}
    version = model.version
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "shown": True,
        "model": model,
        "version": version,
        "ships": model.directory is not None and model.directory.parent == SHIPPED,
        "aliases": version.aliases.select_related("set_by") if version else (),
        "may_retire": version is not None
        and version.state in (ModelState.CANDIDATE, ModelState.SHADOW),
    }
