"""Cases of many cells for the desk, made beside the running product without waiting for its worker.

The pictures are drawn and stored as uploads are; the model's answers are made up, so that every
class, doubt and abstention is there, and the same seed gives the same case.
"""

import json
from functools import cache

import numpy as np
from django.utils import timezone

from accounts.models import Role, User
from classifier.choices import PredictionState
from classifier.inference.classes import CLASSES
from classifier.models import ModelVersion, Prediction
from patients.choices import CaseStatus
from patients.models import Case
from patients.services import case_create
from review.choices import ReadingKind
from review.current import cell_states
from review.models import Reading, Verdict
from review.services.readings import case_take
from telemed import demo
from telemed.demo_cases import SPECIMEN
from tests.servers.signed_case import people
from tests.servers.stored_cells import stored_cell

# Of a hundred cells: shares of the classes in the order of CLASSES.
SHARES = (0.02, 0.12, 0.28, 0.08, 0.50)
ABSTAINS = 0.04  # of the cells
VARIANTS = 8  # turned and mirrored, of each drawing
DRAWINGS = 4  # of each class: drawing is slow


@cache
def _drawing(label: str, seed: int) -> np.ndarray:
    from ml.phantoms import draw_cell

    return draw_cell(label, seed).image[..., ::-1].copy()


def _picture(label: str, number: int) -> np.ndarray:
    drawn = np.rot90(_drawing(label, number // VARIANTS % DRAWINGS), number % 4)
    drawn = drawn[:, ::-1] if number % VARIANTS > 3 else drawn
    marked = np.ascontiguousarray(drawn)
    marked[0, 0] = [number % 256, number // 256, CLASSES.index(label)]  # no two are the same file
    return marked


def ready(
    mrn: str, count: int, *, seed: int = 1, question: str = "Is it a reactive picture?"
) -> Case:
    """A case in READY with so many cells."""
    clinician = people().clinician
    case = case_create(
        actor=clinician,
        new_patient={"mrn": mrn, "family_name": "Example", "given_name": "Desk"},
        clinical_question=question,
        total_wbc="7.20",
        synthetic=True,
        **SPECIMEN,
    )
    model = ModelVersion.objects.order_by("-registered_at").first()
    chance = np.random.default_rng(seed)
    labels = chance.choice(len(CLASSES), size=count, p=SHARES)
    for place, index in enumerate(labels):
        _cell(case, model, place, int(index), chance)
    Case.objects.filter(pk=case.pk).update(status=CaseStatus.READY, submitted_at=timezone.now())
    case.refresh_from_db()
    return case


def _cell(
    case: Case, model: ModelVersion, place: int, index: int, chance: np.random.Generator
) -> None:
    label = CLASSES[index]
    picture = _picture(label, place)
    cell = stored_cell(case, place, picture, name=f"cell-{place + 1:03}.png", upload="desk")
    abstained = chance.random() < ABSTAINS
    sure = float(chance.uniform(0.35, 0.6) if abstained else 1 - chance.beta(0.8, 8) * 0.4)
    others = chance.dirichlet(np.ones(len(CLASSES) - 1)) * (1 - sure)
    probabilities = [float(p) for p in np.insert(others, index, sure)]
    grid = np.exp(-((np.indices((8, 8)) - 3.5) ** 2).sum(0) / 6) * 255
    Prediction.objects.create(
        cell=cell, model_version=model, image_sha256=cell.image.sha256, queue=case.priority,
        state=PredictionState.DONE, attempt=1, finished_at=timezone.now(), label=label,
        confidence=sure, probabilities=probabilities, in_distribution=0.8, abstained=abstained,
        reasons=["low_confidence"] if abstained else [], activation=grid.astype(np.uint8).tobytes(),
        shown=[45, 45, cell.width - 90, cell.height - 90], model_sha256=model.manifest_sha256,
        precision="f32", milliseconds=12.5,
        attributes={"nucleus_shape": ["segmented-bilobed", 0.93], "granularity": ["yes", 0.88]},
    )  # fmt: skip


def held(mrn: str, count: str, blind: str = "") -> None:
    """A case that the demonstration's specialist holds; prints its address."""
    case = ready(mrn, int(count))
    reading = case_take(actor=people().specialist, case=case)
    Reading.objects.filter(pk=reading.pk).update(blind=bool(blind))
    print(case.get_absolute_url())


def colleague(email: str, name: str) -> None:
    """One more specialist of the same centre, with the demonstration's password."""
    if not User.objects.filter(email=email).exists():
        User.objects.create_user(
            email, demo.PASSWORD, full_name=name, role=Role.SPECIALIST,
            organisation=people().centre,
        )  # fmt: skip


def told(case_id: str) -> None:
    """Prints what was said: acts, verdicts, the cells with one, and how many cells were seen."""
    reading = Reading.objects.get(case__public_id=case_id, kind=ReadingKind.PRIMARY)
    verdicts = Verdict.objects.filter(act__reading=reading)
    labels = {state.cell.image.position: state.label for state in cell_states(reading)}
    print(
        json.dumps(
            {
                "acts": reading.acts.count(),
                "verdicts": verdicts.count(),
                "cells": verdicts.values("cell").distinct().count(),
                "seen": reading.seen.count(),
                "labels": labels,
            }
        )
    )
