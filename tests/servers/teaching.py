"""Signed cells that one can learn from, made beside the running product; and how a run ended."""

import numpy as np
from django.utils import timezone

from classifier.choices import PredictionState
from classifier.inference.classes import CLASSES
from classifier.models import ModelVersion, Prediction
from patients.choices import CaseStatus
from patients.models import Case
from patients.services import case_create
from tests.review.signed import call, ready_to_sign, sign
from tests.servers.signed_case import people
from tests.servers.stored_cells import stored_cell
from training.choices import JobState, Kind
from training.models import TrainingJob


def signed(mrn: str, patients: str, first: str) -> None:
    """Cases of so many patients, each with one drawn cell of every class, of seeds from `first` on.
    The model's answers are made up; the first of each case is wrong, and the specialist puts it
    right and signs."""
    those = people()
    model = ModelVersion.objects.order_by("-registered_at").first()
    for number in range(int(patients)):
        case = case_create(
            actor=those.clinician,
            new_patient={"mrn": f"{mrn}-{number}", "family_name": "Example", "given_name": "Cells"},
            synthetic=True,
        )
        for place, label in enumerate(CLASSES):
            seed = int(first) + number * len(CLASSES) + place
            _cell(case, model, place, label, seed, said="monocyte" if place == 0 else label)
        Case.objects.filter(pk=case.pk).update(status=CaseStatus.READY, submitted_at=timezone.now())
        case.refresh_from_db()
        reading = ready_to_sign(those, case)
        call(reading, those.specialist, 0, CLASSES[0])
        sign(reading, those.specialist)


def _cell(case: Case, model: ModelVersion, place: int, label: str, seed: int, *, said: str) -> None:
    from ml.phantoms import draw_cell

    picture = draw_cell(label, seed).image[..., ::-1]
    cell = stored_cell(case, place, picture, name=f"{place}.png", upload="teach")
    probabilities = np.where(np.array(CLASSES) == said, 0.96, 0.01)
    Prediction.objects.create(
        cell=cell, model_version=model, image_sha256=cell.image.sha256, queue=case.priority,
        state=PredictionState.DONE, attempt=1, finished_at=timezone.now(), label=said,
        confidence=0.96, probabilities=probabilities.tolist(), in_distribution=0.8,
        activation=bytes(64), shown=[0, 0, cell.width, cell.height], model_sha256=model.manifest_sha256,
        precision="f32", milliseconds=10.0,
    )  # fmt: skip


def stopped_run(model_id: str) -> None:
    """A run that was stopped after its second epoch."""
    history = [
        {"phase": "head", "epoch": n, "loss": 1.5 / n, "accuracy": 0.4 * n, "val_loss": 1.4 / n,
         "val_accuracy": 0.45 * n}
        for n in (1, 2)
    ]  # fmt: skip
    TrainingJob.objects.create(
        kind=Kind.FINE_TUNING, options={"epochs": 12, "levels": ["mixed0"]}, model_id=model_id,
        fingerprint="0" * 64, state=JobState.STOPPED, history=history, log="head: epoch 2",
        asked_by=people().administrator, finished_at=timezone.now(),
    )  # fmt: skip
