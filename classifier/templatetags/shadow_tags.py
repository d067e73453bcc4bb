"""Reading along, on a model's page."""

from typing import Any

from django import template
from django.template.context import Context

from accounts.permissions import Action, allowed
from classifier.models import ModelVersion
from classifier.shadow_pages import panel

register = template.Library()


@register.inclusion_tag("classifier/_shadow_panel.html", takes_context=True)
def shadow_panel(context: Context, version: ModelVersion | None) -> dict[str, Any]:
    """What a version read along, and whether it may; empty for who may not know."""
    request = context["request"]
    if version is None or not allowed(request.user, Action.MANAGE_MODELS):
        return {}
    return panel(request, version) | {"csrf_token": context.get("csrf_token")}
