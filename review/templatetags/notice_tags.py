"""``{% bell %}`` for every page's head, and e-mail's state for the operations page."""

from typing import Any

from django import template
from django.template.context import Context

from review.notices.centre import MOST_COUNTED, unread_count
from review.notices.mail import mail_facts

register = template.Library()


@register.inclusion_tag("review/_bell.html", takes_context=True)
def bell(context: Context) -> dict[str, Any]:
    """The bell with the number of unread notices: one query."""
    return {"unread": unread_count(context["user"]), "most": MOST_COUNTED}


@register.inclusion_tag("review/_mail_operations.html")
def mail_operations() -> dict[str, Any]:
    """What waits to be sent, and what did not go out."""
    return {"facts": mail_facts()}
