"""Cells that a model has read, made in bulk: hundreds in one picture."""

import uuid
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone

from classifier.choices import ModelState, PredictionState
from classifier.inference.classes import CLASSES
from classifier.models import Cell, ModelVersion, Prediction
from patients.choices import CaseStatus
from patients.models import Case, SmearImage
from tests import factories

PLACES = 8  # numbers in an embedding


def active_model(model_id: str = "for-tests") -> ModelVersion:
    version, _ = ModelVersion.objects.get_or_create(
        model_id=model_id,
        defaults={
            "manifest_sha256": "f" * 64,
            "precision": "f32",
            "manifest": {"classes": CLASSES},
            "state": ModelState.ACTIVE,
        },
    )
    return version


def new_case(people, **fields) -> Case:
    fields = {"stain": "mgg", "device": "Scanner A", "site": "Ward 3"} | fields
    return factories.make_case(
        people.clinician, status=CaseStatus.READY, submitted_at=timezone.now(), **fields
    )


def picture(case: Case) -> SmearImage:
    name = uuid.uuid4().hex
    return SmearImage.objects.create(
        case=case, position=case.images.count() + 1, uploaded_by=case.created_by,
        original_name=f"{name}.png", original_format="PNG", original_sha256=name.rjust(64, "0"),
        upload_key=name, picture_key=f"pictures/{name}.png", thumbnail_key=f"thumbnails/{name}.png",
        sha256=name.rjust(64, "0"), bytes=1000, width=1000, height=1000,
    )  # fmt: skip


def read(
    case: Case,
    answers: list[dict],
    *,
    version: ModelVersion | None = None,
    at: datetime | None = None,
) -> list[Prediction]:
    """One cell an answer (label, and what else a prediction holds), a millisecond apart."""
    version = version or active_model()
    image = picture(case)
    at = at or timezone.now() - timedelta(minutes=5)
    cells = Cell.objects.bulk_create(
        Cell(image=image, index=n, width=10, height=10) for n, _ in enumerate(answers, 1)
    )
    rows = []
    for n, (cell, answer) in enumerate(zip(cells, answers, strict=True)):
        facts = {"confidence": 0.99, "in_distribution": 0.5, "abstained": False} | answer
        rows.append(
            Prediction(
                cell=cell, model_version=version, image_sha256=image.sha256, queue=case.priority,
                state=PredictionState.DONE, attempt=1, probabilities=[0.2] * 5,
                finished_at=at + timedelta(milliseconds=n), model_sha256=version.manifest_sha256,
                precision="f32", shown=[0, 0, 10, 10], **facts,
            )
        )  # fmt: skip
    return Prediction.objects.bulk_create(rows)


def drawn(count: int, *, seed: int, away: float = 0.0, sure: float = 8.0) -> list[dict]:
    """Answers about random cells: each class has its own place, ``away`` moves all of them."""
    rng = np.random.default_rng(seed)
    found = []
    for n in range(count):
        label = n % len(CLASSES)
        place = rng.normal(0, 1, PLACES)
        place[label] += 6
        found.append(
            {
                "label": CLASSES[label],
                "confidence": float(rng.beta(sure, 1)),
                "embedding": (place + away).astype("<f2").tobytes(),
            }
        )
    return found
