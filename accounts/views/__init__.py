"""Pages of people, organisations, one's own settings and the audit record."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from accounts.permissions import Action, require

View = Callable[..., HttpResponse]


def page_for(action: Action) -> Callable[[View], View]:
    """Anonymous people go to sign-in, those without the right get 403, before anything is read."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            require(request.user, action)
            return view(request, *args, **kwargs)

        return login_required(checked)

    return decorate
