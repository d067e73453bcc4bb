"""Promotion on other pages: a panel on a model's page, and what waits on the list of models."""

from typing import Any

from django import template
from django.conf import settings
from django.template.context import Context

from accounts.permissions import Action, allowed
from classifier.choices import ModelState, PromotionState
from classifier.models import ModelVersion, Promotion
from classifier.promotion import previous_version, waiting_promotions
from classifier.queueing import active_version

register = template.Library()

SHOWN = 10  # of a model's history


@register.inclusion_tag("classifier/_promotion_panel.html", takes_context=True)
def promotion_panel(context: Context, version: ModelVersion | None) -> dict[str, Any]:
    """History of a version, and what may be done next; empty for who may not."""
    request = context["request"]
    if version is None or not allowed(request.user, Action.MANAGE_MODELS):
        return {}
    history = version.promotions.select_related("version", "before", "asked_by", "decided_by")
    is_active = version.state == ModelState.ACTIVE
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "version": version,
        "is_active": is_active,
        "reads_along": version.state == ModelState.SHADOW,
        "earlier": previous_version(version) if is_active else None,
        "waiting": history.filter(state=PromotionState.WAITING).first(),
        "history": history[:SHOWN],
        "two_people": settings.TWO_PERSON_PROMOTION,
    }


@register.inclusion_tag("classifier/_promotion_overview.html", takes_context=True)
def promotion_overview(context: Context) -> dict[str, Any]:
    """What reads now, the way back, and what waits for a second administrator."""
    request = context["request"]
    if not allowed(request.user, Action.MANAGE_MODELS):
        return {}
    active = active_version()
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "shown": True,
        "active": active,
        "earlier": previous_version(active) if active else None,
        "waiting": waiting_promotions(),
    }


@register.filter
def outcome(promotion: Promotion) -> str:
    """In the past tense: what became of it."""
    if promotion.rollback:
        done = promotion.state == PromotionState.DONE
        return "Gone back to" if done else "Going back was refused"
    return promotion.get_state_display()


@register.filter
def signed(value: float, digits: int) -> str:
    """With its sign, and a minus that is one."""
    return f"{value:+.{digits}f}".replace("-", "\u2212")
