"""Letting a candidate read along: the same new cells as the active model, seen by nobody who treats.

Which jobs a shadow gets, and when, is in ``classifier.shadow_jobs``; what it came to, in
``classifier.shadow_figures``.
"""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

import audit.services as audit
from classifier.choices import ModelState
from classifier.examination import require_files
from classifier.inference.errors import ModelError
from classifier.models import ModelVersion
from classifier.shadow_jobs import end_jobs
from patients.errors import DomainError


class ShadowRefused(DomainError):
    """Not this version, or not now. Nothing was changed."""

    code = "shadow_refused"


def shadow_start(*, version: ModelVersion, actor: Any = None) -> ModelVersion:
    """From now on every cell that the active model has read is read by this candidate too.

    ShadowRefused for a version that is no candidate, whose files are not as registered, and where
    as many read along as may at once.
    """
    try:
        require_files(version)  # takes a moment: before anything is locked
    except ModelError as error:
        raise ShadowRefused(f"{error} Nothing was changed.", code="files") from error
    with transaction.atomic():
        rows = {row.pk: row for row in ModelVersion.objects.select_for_update().order_by("pk")}
        chosen = rows[version.pk]
        if chosen.state == ModelState.SHADOW:
            return chosen
        _require_room(chosen, list(rows.values()))
        chosen.state = ModelState.SHADOW
        chosen.shadow_since = timezone.now()
        chosen.save(update_fields=["state", "shadow_since"])
        _record("started", chosen, actor)
    return chosen


@transaction.atomic
def shadow_end(*, version: ModelVersion, actor: Any = None) -> ModelVersion:
    """It is a candidate again; what it has still to read is cancelled, what it has read stays.

    ShadowRefused where it is no shadow.
    """
    version = ModelVersion.objects.select_for_update().get(pk=version.pk)
    if version.state != ModelState.SHADOW:
        raise ShadowRefused(f"{version} does not read along.", code="no_shadow")
    version.state = ModelState.CANDIDATE
    version.save(update_fields=["state"])
    left = end_jobs(version)
    _record("ended", version, actor, count=left)
    return version


def shadows() -> list[ModelVersion]:
    return list(ModelVersion.objects.filter(state=ModelState.SHADOW))


def _require_room(chosen: ModelVersion, versions: list[ModelVersion]) -> None:
    if chosen.state != ModelState.CANDIDATE:
        raise ShadowRefused(
            f"{chosen} is {chosen.get_state_display().lower()}; only a candidate can read along.",
            code="no_candidate",
        )
    names = [row.model_id for row in versions if row.state == ModelState.SHADOW]
    if settings.SHADOWS < 1:
        raise ShadowRefused("No model reads along on this installation (TELEHEME_SHADOWS is 0).")
    if len(names) >= settings.SHADOWS:
        many = "one" if settings.SHADOWS == 1 else str(settings.SHADOWS)
        raise ShadowRefused(
            f"{' and '.join(names)} read{'s' if len(names) == 1 else ''} along already, and no "
            f"more than {many} may at once. End that first.",
            code="enough",
        )


def _record(what: str, version: ModelVersion, actor: Any, **more: Any) -> None:
    audit.record(
        action=f"shadow.{what}",
        actor=actor,
        model=version.model_id,
        manifest_sha256=version.manifest_sha256,
        **more,
    )
