"""The shipped model once more under another name, beside the running product; and which read what."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from django.conf import settings

from classifier.choices import SHADOW_QUEUE, PredictionState
from classifier.inference import CLASSES, find_model
from classifier.inference.locked import FILE_NAME, Locked, read_locked, write_locked
from classifier.models import ModelVersion, Prediction
from classifier.promotion import promotion_try
from classifier.registry import model_register
from classifier.shadow import shadow_start
from ml.export import rewrite_manifest
from tests.servers.signed_case import people


def twin(directory: Path, says: Callable[[Locked], Locked] | None = None) -> Path:
    """Its files in `directory`, whose name it has; `says` changes what it states of each locked
    set."""
    shutil.copytree(find_model(), directory)
    path = directory / FILE_NAME
    if says is not None:
        write_locked(path, {name: says(said) for name, said in read_locked(path).items()})
    rewrite_manifest(directory, id=directory.name)
    return directory


def registered(model_id: str, says: Callable[[Locked], Locked] | None = None) -> ModelVersion:
    return model_register(directory=twin(Path(settings.MODEL_DIRS[-1]) / model_id, says))


def refused(model_id: str) -> None:
    """One that states too many mistakes, and that the gate has refused."""

    def worse(said: Locked) -> Locked:
        probabilities = said.probabilities.copy()
        probabilities[::25] = np.roll(probabilities[::25], 1, axis=1)
        return replace(said, probabilities=probabilities)

    promotion_try(actor=people().administrator, version=registered(model_id, worse))


def reads_along(model_id: str) -> None:
    """A shadow that has read everything, and says another class of every tenth cell."""
    version = shadow_start(version=registered(model_id))
    rows = Prediction.objects.filter(state=PredictionState.DONE).order_by("pk")
    Prediction.jobs.bulk_create(
        _along(row, version, turned=n % 10 == 9) for n, row in enumerate(rows)
    )


def _along(row: Prediction, version: ModelVersion, *, turned: bool) -> Prediction:
    probabilities = [*row.probabilities[1:], row.probabilities[0]] if turned else row.probabilities
    return Prediction(
        cell_id=row.cell_id,
        model_version=version,
        image_sha256=row.image_sha256,
        queue=SHADOW_QUEUE,
        beside=row,
        state=row.state,
        attempt=1,
        label=CLASSES[int(np.argmax(probabilities))],
        confidence=row.confidence,
        probabilities=probabilities,
        abstained=row.abstained,
        model_sha256=version.manifest_sha256,
        precision=row.precision,
        finished_at=row.finished_at,
    )


def readers(case_id: str) -> None:
    """Prints the models whose results the case holds, each under the manifest that it has."""
    rows = Prediction.objects.filter(
        cell__image__case__public_id=case_id, state=PredictionState.DONE
    ).select_related("model_version")
    for row in rows:
        assert row.model_sha256 == row.model_version.manifest_sha256
    print(" ".join(sorted({row.model_version.model_id for row in rows})))
