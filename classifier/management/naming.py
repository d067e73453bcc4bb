"""The version that somebody at the shell means."""

from django.core.management.base import CommandError

from classifier.models import ModelVersion
from classifier.registry import version_named


def registered_version(name: str) -> ModelVersion:
    """By its id or an alias; CommandError where there is none."""
    version = version_named(name)
    if version is None:
        raise CommandError(
            f"No model {name!r} is registered. Register it first: "
            "manage.py register_model DIRECTORY."
        )
    return version
