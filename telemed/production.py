"""What production mode refuses to start with: each reason in one sentence."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

SHORTEST_KEY = 50
FEWEST_CHARACTERS = 10  # different ones


def unsafe_reasons(settings: Mapping[str, Any]) -> list[str]:
    """Every reason why these settings must not serve patients' data; empty when there is none."""
    return [
        *_of_the_application(settings),
        *_of_the_addresses(settings),
        *_of_the_data(settings),
    ]


def _of_the_application(settings: Mapping[str, Any]) -> Iterator[str]:
    if settings["DEBUG"]:
        yield "TELEHEME_DEBUG is on: debug pages show patients' data to anybody."
    key = settings["SECRET_KEY"]
    example = "insecure" in key or "change" in key.lower()
    if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS or example:
        yield (
            f"TELEHEME_SECRET_KEY is missing, short or an example: give {SHORTEST_KEY} "
            "random characters."
        )
    if not settings["EMAIL_HOST"]:
        yield "TELEHEME_SMTP_HOST is missing: people could not reset a forgotten password."


def _of_the_addresses(settings: Mapping[str, Any]) -> Iterator[str]:
    hosts = settings["ALLOWED_HOSTS"]
    if not hosts or any(host.startswith(("*", ".")) for host in hosts):
        yield "TELEHEME_HOSTS must name each host that people use; any host is not accepted."
    base = urlsplit(settings["BASE_URL"])
    if base.scheme != "https" or not base.hostname:
        yield "TELEHEME_BASE_URL must be the https address that people use: it goes into e-mails."
    elif hosts and base.hostname not in hosts:
        yield "TELEHEME_BASE_URL names a host that is not in TELEHEME_HOSTS."
    if any(urlsplit(origin).scheme != "https" for origin in settings["CSRF_TRUSTED_ORIGINS"]):
        yield "TELEHEME_ORIGINS holds an address that is not https."


def _of_the_data(settings: Mapping[str, Any]) -> Iterator[str]:
    broker = urlsplit(settings["CELERY_BROKER_URL"])
    if not broker.scheme.endswith("+socket") and not broker.password:
        yield "TELEHEME_BROKER_URL has no password: an open queue server lets anybody run tasks."
    database = settings["DATABASES"]["default"]
    if not database["ENGINE"].endswith("postgresql"):
        yield (
            "DATABASE_URL is missing or not PostgreSQL: several processes and a container's own "
            "disk would lose what is written."
        )
    elif not database.get("PASSWORD"):
        yield "DATABASE_URL has no password."
    if not settings["S3_BUCKET"] and not settings["DATA_DIR_GIVEN"]:
        yield (
            "Neither TELEHEME_S3_BUCKET nor TELEHEME_DATA_DIR is set: pictures would be kept "
            "inside the program's own folder."
        )
    if settings["S3_BUCKET"] and urlsplit(settings["S3_PUBLIC_ORIGIN"]).scheme != "https":
        yield "TELEHEME_S3_PUBLIC_ORIGIN must be the https address from which browsers get pictures."


def refuse_unsafe(settings: Mapping[str, Any]) -> None:
    """Raise ImproperlyConfigured naming every reason, if there is one."""
    reasons = unsafe_reasons(settings)
    if reasons:
        raise ImproperlyConfigured(
            "TeleHeme does not start in production mode: " + " ".join(reasons)
        )
