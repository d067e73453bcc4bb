"""What production mode refuses to start with: each reason in one sentence."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

SHORTEST_KEY = 50


def unsafe_reasons(settings: Mapping[str, Any]) -> list[str]:
    """Every reason why these settings must not serve patients' data; empty when there is none."""
    reasons = []
    if settings["DEBUG"]:
        reasons.append("TELEHEME_DEBUG is on: debug pages show patients' data to anybody.")
    key = settings["SECRET_KEY"]
    if (
        len(key) < SHORTEST_KEY
        or len(set(key)) < 10
        or "insecure" in key
        or "change" in key.lower()
    ):
        reasons.append(
            f"TELEHEME_SECRET_KEY is missing, short or an example: give {SHORTEST_KEY} random characters."
        )
    hosts = settings["ALLOWED_HOSTS"]
    if not hosts or any(host.startswith(("*", ".")) for host in hosts):
        reasons.append(
            "TELEHEME_HOSTS must name each host that people use; any host is not accepted."
        )
    broker = urlsplit(settings["CELERY_BROKER_URL"])
    if not broker.scheme.endswith("+socket") and not broker.password:
        reasons.append(
            "TELEHEME_BROKER_URL has no password: an open queue server lets anybody run tasks."
        )
    if settings["DATABASES"]["default"]["ENGINE"].endswith("postgresql") and not settings[
        "DATABASES"
    ]["default"].get("PASSWORD"):
        reasons.append("DATABASE_URL has no password.")
    return reasons


def refuse_unsafe(settings: Mapping[str, Any]) -> None:
    """Raise ImproperlyConfigured naming every reason, if there is one."""
    reasons = unsafe_reasons(settings)
    if reasons:
        raise ImproperlyConfigured(
            "TeleHeme does not start in production mode: " + " ".join(reasons)
        )
