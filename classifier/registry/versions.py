"""Which model versions there are, and which one reads new pictures."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

import audit.services as audit
from classifier.choices import ModelState, PredictionState, PromotionState
from classifier.inference.discovery import DEFAULT_MODEL, find_model
from classifier.inference.errors import ModelError
from classifier.inference.manifest import FILE_NAME, load_manifest, read_manifest
from classifier.models import ModelVersion, Prediction
from classifier.registry.files import model_directory
from classifier.shadow_jobs import end_jobs
from patients.errors import DomainError


class RetireRefused(DomainError):
    """This version cannot be retired now. Nothing was changed."""

    code = "retire_refused"


@transaction.atomic
def model_register(
    *,
    directory: Path | str,
    actor: Any = None,
    bundle_key: str = "",
    bundle_sha256: str = "",
) -> ModelVersion:
    """Verify a model directory file by file and record it; the files stay where they are.

    `bundle_key` and `bundle_sha256`: where they also lie in the store as one zip file.

    ModelError when a file is not the one its manifest names, when the directory is not in a folder
    that workers look into, or when the id already stands for another model with results.
    """
    manifest = load_manifest(directory)
    found = find_model(manifest.id, settings.MODEL_DIRS)
    if read_manifest(found).sha256 != manifest.sha256:
        raise ModelError(
            f"Workers would find another model under the name {manifest.id!r}, in {found}."
        )
    version = ModelVersion.objects.select_for_update().filter(model_id=manifest.id).first()
    if version is not None and version.manifest_sha256 == manifest.sha256:
        return version
    if version is not None and _has_read(version):
        raise ModelError(
            f"Model {manifest.id!r} is registered with other files and has read pictures with "
            "them. Give the new files a new id."
        )
    content = json.loads((Path(directory) / FILE_NAME).read_bytes())
    version, _ = ModelVersion.objects.update_or_create(
        model_id=manifest.id,
        defaults={
            "manifest_sha256": manifest.sha256,
            "precision": manifest.precision,
            "manifest": content,
            "registered_by": actor,
            "bundle_key": bundle_key,
            "bundle_sha256": bundle_sha256,
        },
    )
    audit.record(
        action="model.registered",
        actor=actor,
        model=manifest.id,
        manifest_sha256=manifest.sha256,
        bundle_sha256=bundle_sha256,
    )
    return version


@transaction.atomic
def model_activate(*, version: ModelVersion, actor: Any = None) -> ModelVersion:
    """From now on new pictures are read with this version. What is queued keeps its own."""
    versions = {row.pk: row for row in ModelVersion.objects.select_for_update().order_by("pk")}
    chosen = versions[version.pk]
    if chosen.state == ModelState.ACTIVE:
        return chosen
    before = next((row for row in versions.values() if row.state == ModelState.ACTIVE), None)
    if before is not None:
        before.state = ModelState.RETIRED
        before.save(update_fields=["state"])
    if chosen.state == ModelState.SHADOW:
        end_jobs(chosen)
    chosen.state = ModelState.ACTIVE
    chosen.activated_at = timezone.now()
    chosen.save(update_fields=["state", "activated_at"])
    audit.record(
        action="model.activated",
        actor=actor,
        model=chosen.model_id,
        manifest_sha256=chosen.manifest_sha256,
        before=before.model_id if before else "",
    )
    return chosen


@transaction.atomic
def model_retire(*, version: ModelVersion, actor: Any = None) -> ModelVersion:
    """Set a candidate or a shadow aside that nobody wants; its files and what it was measured at stay.

    RetireRefused for the active version, and for one that waits for a second administrator.
    """
    version = ModelVersion.objects.select_for_update().get(pk=version.pk)
    if version.state == ModelState.RETIRED:
        return version
    if version.state == ModelState.ACTIVE:
        raise RetireRefused("The active model cannot be retired: activate another one first.")
    if version.promotions.filter(state=PromotionState.WAITING).exists():
        raise RetireRefused(
            "A second administrator is asked to agree to this model. Withdraw that first."
        )
    if version.state == ModelState.SHADOW:
        end_jobs(version)
    version.state = ModelState.RETIRED
    version.save(update_fields=["state"])
    audit.record(
        action="model.retired",
        actor=actor,
        model=version.model_id,
        manifest_sha256=version.manifest_sha256,
    )
    return version


@transaction.atomic
def ensure_shipped_model() -> ModelVersion | None:
    """The active model; the shipped one, registered and activated, when there is none.

    An active version whose files are gone gives way too. None when no model is shipped.
    """
    active = ModelVersion.objects.filter(state=ModelState.ACTIVE).first()
    if active is not None and _present(active):
        return active
    try:
        directory = find_model(DEFAULT_MODEL, settings.MODEL_DIRS)
    except ModelError:
        return active
    return model_activate(version=model_register(directory=directory))


def _has_read(version: ModelVersion) -> bool:
    """Anything, also as a shadow."""
    return Prediction.jobs.filter(model_version=version, state=PredictionState.DONE).exists()


def _present(version: ModelVersion) -> bool:
    try:
        model_directory(version)
    except ModelError:
        return False
    return True
