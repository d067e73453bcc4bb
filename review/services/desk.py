"""A specialist's own desk: their keys, and whether it goes on by itself."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import User
from audit.services import record
from review.keys import checked
from review.models import DeskSettings


@transaction.atomic
def desk_set(*, actor: User, keys: Mapping[str, Any], auto_advance: bool) -> DeskSettings:
    """Keep a person's keys and whether the desk moves on after a verdict. Raises KeyRefused.

    ``keys``: name (a label or an action of ``review.keys``) -> key; a name left out has the key that
    ships.
    """
    own = checked(keys)
    settings, _ = DeskSettings.objects.select_for_update().get_or_create(user=actor)
    changed = sorted(
        name for name in {*own, *settings.keys} if own.get(name) != settings.keys.get(name)
    )
    if changed or settings.auto_advance != auto_advance:
        settings.keys, settings.auto_advance = own, auto_advance
        settings.save(update_fields=["keys", "auto_advance"])
        record(action="desk.set", actor=actor, fields=changed)
    return settings
