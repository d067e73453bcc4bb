from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class TelemedConfig(AppConfig):
    name = "telemed"
    label = "telemed"

    def ready(self) -> None:
        from telemed import checks  # noqa: F401  registers them


class AdminConfig(DjangoAdminConfig):
    """Django's admin behind the product's own sign-in (second factor and rate limits included)."""

    default_site = "telemed.admin_site.AdminSite"
