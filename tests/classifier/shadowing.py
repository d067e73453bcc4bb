"""A version that read along, with answers of the test's own."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from classifier.choices import SHADOW_QUEUE, ModelState, PredictionState
from classifier.inference.classes import CLASSES
from classifier.models import ModelVersion, Prediction
from patients.models import Case
from tests.classifier.cells import result

Says = Callable[[Prediction], str]


def next_class(row: Prediction) -> str:
    """Another class than the active model says."""
    return CLASSES[(CLASSES.index(row.label) + 1) % len(CLASSES)]


def make_shadow(model_id: str = "shadow") -> ModelVersion:
    return ModelVersion.objects.create(
        model_id=model_id,
        manifest_sha256="b" * 64,
        precision="f32",
        state=ModelState.SHADOW,
        shadow_since=timezone.now(),
        manifest={"classes": list(CLASSES), "precision": "f32", "metrics": {}, "files": {}},
    )


def read_along(
    version: ModelVersion, case: Case, says: Says = next_class, **fields: Any
) -> list[Prediction]:
    """It has read every cell of the case that the active model has."""
    rows = Prediction.objects.of_case(case).filter(state=PredictionState.DONE)
    return [beside(version, row, **result(says(row), 0.8), **fields) for row in rows]


def beside(version: ModelVersion, row: Prediction, **fields: Any) -> Prediction:
    done = {"state": PredictionState.DONE, "attempt": 1} if "label" in fields else {}
    return Prediction.jobs.create(
        cell=row.cell,
        model_version=version,
        image_sha256=row.image_sha256,
        queue=SHADOW_QUEUE,
        beside=row,
        **(done | fields),
    )
