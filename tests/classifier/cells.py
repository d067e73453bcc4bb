"""Cells in any state for tests of what people see, without storage or a worker."""

import itertools
import uuid
from datetime import timedelta

from django.utils import timezone

from classifier.choices import ModelState, PredictionState
from classifier.inference.classes import CLASSES
from classifier.models import Cell, ModelVersion, Prediction
from patients.choices import CaseStatus
from patients.models import Case, SmearImage
from tests import factories

_numbers = itertools.count(1)


def make_version(model_id: str = "test-model", state: str = ModelState.ACTIVE) -> ModelVersion:
    found = ModelVersion.objects.filter(model_id=model_id).first()
    return found or ModelVersion.objects.create(
        model_id=model_id,
        manifest_sha256="a" * 64,
        precision="f32",
        state=state,
        manifest={"classes": list(CLASSES), "precision": "f32", "metrics": {}, "files": {}},
    )


def make_submitted(clinician, **fields) -> Case:
    fields = {"status": CaseStatus.CLASSIFYING, "submitted_at": timezone.now()} | fields
    return factories.make_case(clinician, **fields)


def make_image(case: Case, **fields) -> SmearImage:
    number = next(_numbers)
    sha256 = f"{number:064x}"
    fields = {
        "position": case.images.count() + 1,
        "original_name": f"cell-{number}.png",
        "width": 300,
        "height": 300,
    } | fields
    return SmearImage.objects.create(
        case=case,
        uploaded_by=case.created_by,
        original_format="PNG",
        original_sha256=sha256,
        sha256=sha256,
        upload_key=f"upload-{number}",
        picture_key=f"pictures/{number}.png",
        thumbnail_key=f"thumbnails/{number}.jpg",
        bytes=1000,
        **fields,
    )


def make_cell(case: Case, state: str = PredictionState.QUEUED, **fields) -> Prediction:
    """One picture with one cell and one job. DONE takes ``label`` and ``confidence``."""
    image = make_image(case)
    cell = Cell.objects.create(image=image, width=image.width, height=image.height)
    values = {"state": state, "attempt": 0 if state == PredictionState.QUEUED else 1}
    if state == PredictionState.RUNNING:
        values["lease_token"] = uuid.uuid4()
        values["lease_expires_at"] = timezone.now() + timedelta(minutes=1)
    if state == PredictionState.DONE:
        values |= result(fields.pop("label", "neutrophil"), fields.pop("confidence", 0.9))
    return Prediction.objects.create(
        cell=cell,
        model_version=make_version(),
        image_sha256=image.sha256,
        queue=case.priority,
        **(values | fields),
    )


def result(label: str, confidence: float) -> dict:
    rest = (1 - confidence) / (len(CLASSES) - 1)
    return {
        "label": label,
        "confidence": confidence,
        "probabilities": [confidence if name == label else rest for name in CLASSES],
        "in_distribution": 0.5,
        "activation": bytes(range(64)),
        "shown": [45, 45, 270, 270],
        "model_sha256": "a" * 64,
        "precision": "f32",
        "milliseconds": 12.5,
        "finished_at": timezone.now(),
    }
