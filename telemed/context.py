from typing import Any

from django.http import HttpRequest

from accounts.permissions import Action, allowed


def product(request: HttpRequest) -> dict[str, Any]:
    """What every page needs: ``may`` = what the navigation may offer this person."""
    user = getattr(request, "user", None)
    return {
        "may": {
            "cases": allowed(user, Action.LIST_CASES),
            "review": allowed(user, Action.REVIEW),
            "create_case": allowed(user, Action.CREATE_CASE),
            "quick_look": allowed(user, Action.QUICK_LOOK),
            "follow": allowed(user, Action.FOLLOW_CASES),
            "people": allowed(user, Action.MANAGE_PEOPLE),
            "models": allowed(user, Action.VIEW_MODELS),
            "manage_models": allowed(user, Action.MANAGE_MODELS),
            "data_sets": allowed(user, Action.MANAGE_DATA_SETS),
            "audit": allowed(user, Action.VIEW_AUDIT),
            "operations": allowed(user, Action.VIEW_OPERATIONS),
            "monitoring": allowed(user, Action.VIEW_MONITORING),
            "admin": allowed(user, Action.USE_ADMIN),
        }
    }
