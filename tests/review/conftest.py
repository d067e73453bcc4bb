"""Cases that were read by the model, ready for a specialist."""

import pytest

from classifier.choices import PredictionState
from classifier.models import Cell, ModelVersion, Prediction
from patients.choices import CaseStatus
from patients.models import Case, SmearImage
from tests import factories

CLASSES = ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil")


def read_case(clinician, labels, *, abstained=(), **fields) -> Case:
    """A case in READY with one cell a label; the cells at the places in ``abstained`` abstain."""
    from django.utils import timezone

    case = factories.make_case(
        clinician, status=CaseStatus.READY, submitted_at=timezone.now(), **fields
    )
    model, _ = ModelVersion.objects.get_or_create(
        model_id="for-tests",
        defaults={
            "manifest_sha256": "f" * 64,
            "precision": "f32",
            "manifest": {"classes": CLASSES},
        },
    )
    for place, label in enumerate(labels):
        read_cell(case, model, place, label, abstained=place in abstained)
    return case


def read_cell(case: Case, model: ModelVersion, place: int, label: str, *, abstained=False) -> Cell:
    """One more picture of one cell, with the model's answer to it."""
    from django.utils import timezone

    name = f"{case.pk:06}{place:06}"
    image = SmearImage.objects.create(
        case=case, position=place + 1, uploaded_by=case.created_by, original_name=f"{place}.png",
        original_format="PNG", original_sha256=name.rjust(64, "0"), upload_key=name,
        picture_key=f"pictures/{name}.png", thumbnail_key=f"thumbnails/{name}.png",
        sha256=name.rjust(64, "0"), bytes=1000, width=100, height=100,
    )  # fmt: skip
    cell = Cell.objects.create(image=image, width=100, height=100)
    probabilities = [0.02] * 5
    probabilities[CLASSES.index(label)] = 0.92
    Prediction.objects.create(
        cell=cell, model_version=model, image_sha256=image.sha256, queue=case.priority,
        state=PredictionState.DONE, attempt=1, finished_at=timezone.now(), label=label,
        confidence=0.92, probabilities=probabilities, in_distribution=0.8, abstained=abstained,
        reasons=["low_confidence"] if abstained else [], model_sha256=model.manifest_sha256,
        precision="f32", shown=[0, 0, 100, 100],
    )  # fmt: skip
    return cell


@pytest.fixture
def case(people) -> Case:
    """Ten cells: two of each class; the last one abstained."""
    return read_case(
        people.clinician, [label for label in CLASSES for _ in range(2)], abstained=[9]
    )


@pytest.fixture(autouse=True)
def _quick_passwords(quick_passwords) -> None:
    """Argon2 takes its time on purpose; what is tried here is not its strength."""
