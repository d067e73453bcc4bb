from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.shortcuts import redirect

from accounts.permissions import Action, allowed


class AdminSite(admin.AdminSite):
    """People, organisations and the audit record; never a patient, a session key or a secret."""

    site_header = site_title = "TeleHeme administration"
    shown_apps = frozenset({"accounts", "audit"})

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Leaves out what libraries register by themselves (open sessions, second factors)."""
        models: Any = (
            [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        )
        shown = [model for model in models if model._meta.app_label in self.shown_apps]
        super().register(shown, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return allowed(request.user, Action.USE_ADMIN)

    def login(self, request, extra_context=None):  # type: ignore[override]
        from allauth.account.decorators import secure_admin_login

        return secure_admin_login(super().login)(request, extra_context=extra_context)

    def password_change(self, request, extra_context=None):  # type: ignore[override]
        """The product's own page: it is rate limited, recorded and mails the owner."""
        return redirect("account_change_password")
