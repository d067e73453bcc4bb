"""The demonstration's cases: drawn cells of invented patients, a dozen, in every status."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from patients.choices import CaseStatus, Magnification, Priority, Sex, Stain

LABELS = ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil")


@dataclass(frozen=True)
class DemoCase:
    """``cells`` are how many of each class are drawn, in the order of ``LABELS``."""

    mrn: str
    family_name: str
    given_name: str
    birth_date: date
    sex: str
    question: str
    priority: str
    site: str
    total_wbc: Decimal | None
    cells: tuple[int, int, int, int, int]
    status: str
    thread: tuple[tuple[str, str], ...] = ()  # (role, what they wrote)
    comment: str = ""  # of the specialist, where the case is signed

    def draws(self, seed: int) -> Iterator[tuple[str, int]]:
        """Class and seed of each cell, in the order in which somebody met them on the smear."""
        labels = [
            label for label, count in zip(LABELS, self.cells, strict=True) for _ in range(count)
        ]
        order = np.random.default_rng(seed).permutation(len(labels))
        for place, index in enumerate(order):
            yield labels[index], seed * 1000 + place


SPECIMEN: dict[str, Any] = {
    "stain": Stain.MGG,
    "magnification": Magnification.X100,
    "device": "Drawn by TeleHeme, no microscope",
    "pixel_size_nm": Decimal("97.09"),  # ml.phantoms draws 10.3 pixels to the micrometre
}

CASES = (
    DemoCase(
        "DEMO-001", "Example", "Ines", date(1968, 3, 14), Sex.FEMALE,
        "Persistent eosinophilia for six weeks. Is the differential confirmed?",
        Priority.ROUTINE, "Ward 4", Decimal("7.20"), (0, 6, 4, 1, 9), CaseStatus.IN_REVIEW,
        (
            ("clinician", "No travel, no new medicines. Asthma since childhood."),
            ("specialist", "Taken. I will read the eosinophils first."),
        ),
    ),
    DemoCase(
        "DEMO-002", "Sample", "Otto", date(1951, 11, 2), Sex.MALE,
        "Lymphocytes 6.1 on the counter. Are they mature?",
        Priority.STAT, "Emergency department", Decimal("11.40"), (0, 0, 9, 1, 4), CaseStatus.READY,
        (("clinician", "The patient waits here. Please call 4711 when it is read."),),
    ),
    DemoCase(
        "DEMO-003", "Instance", "Maya", date(1990, 7, 21), Sex.FEMALE,
        "Monocytosis after infection: still present?",
        Priority.ROUTINE, "Outpatients", Decimal("8.10"), (0, 0, 3, 6, 5), CaseStatus.SIGNED,
        comment="Monocytes of mature form, no blasts. Too few cells for a differential; please send "
        "a hundred if the count stays high.",
    ),
    DemoCase(
        "DEMO-004", "Specimen", "Theo", date(2019, 1, 30), Sex.MALE,
        "Fever, four days. Left shift?",
        Priority.STAT, "Children's ward", Decimal("16.30"), (0, 0, 3, 1, 10), CaseStatus.READY,
    ),
    DemoCase(
        "DEMO-005", "Fiction", "Clara", date(1977, 5, 9), Sex.FEMALE,
        "Basophils flagged by the counter.",
        Priority.ROUTINE, "Outpatients", Decimal("9.80"), (5, 1, 3, 1, 4), CaseStatus.READY,
    ),
    DemoCase(
        "DEMO-006", "Pattern", "Luis", date(1984, 12, 17), Sex.MALE,
        "Control after steroids.",
        Priority.BACKGROUND, "Ward 2", Decimal("12.70"), (0, 0, 1, 1, 8), CaseStatus.READY,
    ),
    DemoCase(
        "DEMO-007", "Outline", "Hanna", date(1962, 8, 25), Sex.FEMALE,
        "Pre-operative film, nothing known.",
        Priority.BACKGROUND, "Surgery", Decimal("6.40"), (0, 1, 3, 1, 5), CaseStatus.SIGNED,
        comment="Nothing unusual among the ten cells sent.",
    ),
    DemoCase(
        "DEMO-008", "Draft", "Amir", date(1995, 4, 3), Sex.MALE,
        "Recurrent infections. Neutrophil morphology?",
        Priority.ROUTINE, "Outpatients", Decimal("3.90"), (0, 0, 2, 1, 3), CaseStatus.IN_REVIEW,
    ),
    DemoCase(
        "DEMO-009", "Blueprint", "Sofia", date(1943, 10, 11), Sex.FEMALE,
        "Pancytopenia work-up, film requested.",
        Priority.ROUTINE, "Ward 4", Decimal("2.10"), (0, 0, 3, 1, 2), CaseStatus.DRAFT,
    ),
    DemoCase(
        "DEMO-010", "Sketch", "Jan", date(2001, 6, 6), Sex.MALE,
        "",
        Priority.ROUTINE, "", None, (0, 0, 0, 0, 0), CaseStatus.DRAFT,
    ),
    DemoCase(
        "DEMO-011", "Stencil", "Ruth", date(1938, 2, 27), Sex.FEMALE,
        "Wrong tube: the sample is another patient's.",
        Priority.ROUTINE, "Ward 1", Decimal("5.50"), (0, 0, 2, 0, 2), CaseStatus.WITHDRAWN,
    ),
    DemoCase(
        "DEMO-012", "Model", "Piet", date(1959, 9, 19), Sex.MALE,
        "Yearly film in known allergy.",
        Priority.BACKGROUND, "Outpatients", Decimal("7.90"), (1, 2, 3, 1, 5), CaseStatus.CLASSIFYING,
    ),
)  # fmt: skip
