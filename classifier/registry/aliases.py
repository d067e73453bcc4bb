"""Names of people's choosing that stand for a version: "current-trial", "site-basel"."""

import re
from typing import Any

from django.db import transaction

import audit.services as audit
from classifier.models import ModelAlias, ModelVersion
from patients.errors import DomainError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class AliasRefused(DomainError):
    """This name cannot stand for a version. Nothing was changed."""

    code = "alias_refused"


@transaction.atomic
def model_alias_set(*, version: ModelVersion, name: str, actor: Any = None) -> ModelAlias:
    """From now on `name` stands for this version, whatever it stood for before."""
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise AliasRefused(
            "An alias has 1 to 40 small letters, digits and dashes, the first a letter or digit."
        )
    if ModelVersion.objects.filter(model_id__iexact=name).exists():
        raise AliasRefused(f"There is a model called {name}, so nothing else can be called so.")
    before = ModelAlias.objects.select_for_update().filter(name=name).first()
    if before is not None and before.version_id == version.pk:
        return before
    replaced = before.version.model_id if before else ""
    alias, _ = ModelAlias.objects.update_or_create(
        name=name, defaults={"version": version, "set_by": actor}
    )
    audit.record(
        action="model.alias_set",
        actor=actor,
        alias=name,
        model=version.model_id,
        manifest_sha256=version.manifest_sha256,
        before=replaced,
    )
    return alias


@transaction.atomic
def model_alias_remove(*, name: str, actor: Any = None) -> None:
    """The name stands for nothing any more. Quiet where it stood for nothing."""
    alias = ModelAlias.objects.select_for_update().filter(name=name).first()
    if alias is None:
        return
    audit.record(
        action="model.alias_removed",
        actor=actor,
        alias=alias.name,
        model=alias.version.model_id,
        manifest_sha256=alias.version.manifest_sha256,
    )
    alias.delete()


def version_named(name: str) -> ModelVersion | None:
    """The version with this id, or that an alias of this name stands for."""
    return (
        ModelVersion.objects.filter(model_id=name).first()
        or ModelVersion.objects.filter(aliases__name=name).first()
    )
