from django.contrib import admin
from django.http import HttpRequest

from accounts.permissions import Action, allowed


class AdminSite(admin.AdminSite):
    site_header = site_title = "TeleHeme administration"

    def has_permission(self, request: HttpRequest) -> bool:
        return allowed(request.user, Action.USE_ADMIN)

    def login(self, request, extra_context=None):  # type: ignore[override]
        from allauth.account.decorators import secure_admin_login

        return secure_admin_login(super().login)(request, extra_context=extra_context)
