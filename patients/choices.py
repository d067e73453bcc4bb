"""The fixed vocabularies of patients and cases, and the case workflow."""

from django.db import models


class Sex(models.TextChoices):
    """Administrative sex, the codes of FHIR R4 AdministrativeGender."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Unknown"


class Priority(models.TextChoices):
    """Urgency of a case; each is the name of the queue that carries its work."""

    STAT = "stat", "Stat"
    ROUTINE = "routine", "Routine"
    BACKGROUND = "background", "Background"


class Stain(models.TextChoices):
    MGG = "mgg", "May-Grünwald-Giemsa"
    WRIGHT_GIEMSA = "wright_giemsa", "Wright-Giemsa"
    WRIGHT = "wright", "Wright"
    GIEMSA = "giemsa", "Giemsa"
    LEISHMAN = "leishman", "Leishman"
    OTHER = "other", "Other"


class Magnification(models.IntegerChoices):
    """Magnification of the objective."""

    X10 = 10, "10x"
    X20 = 20, "20x"
    X40 = 40, "40x"
    X50 = 50, "50x oil"
    X60 = 60, "60x oil"
    X100 = 100, "100x oil"


class CaseStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    CLASSIFYING = "classifying", "Classifying"
    READY = "ready", "Ready for review"
    IN_REVIEW = "in_review", "In review"
    SIGNED = "signed", "Signed"
    WITHDRAWN = "withdrawn", "Withdrawn"


# From -> to. What is not here is refused by ``patients.services`` whoever asks.
ALLOWED_MOVES: dict[str, frozenset[str]] = {
    CaseStatus.DRAFT: frozenset({CaseStatus.CLASSIFYING, CaseStatus.WITHDRAWN}),
    # To IN_REVIEW: pictures were added while a specialist held the case; it returns to them.
    CaseStatus.CLASSIFYING: frozenset(
        {CaseStatus.READY, CaseStatus.IN_REVIEW, CaseStatus.WITHDRAWN}
    ),
    CaseStatus.READY: frozenset(
        {CaseStatus.CLASSIFYING, CaseStatus.IN_REVIEW, CaseStatus.WITHDRAWN}
    ),
    CaseStatus.IN_REVIEW: frozenset({CaseStatus.READY, CaseStatus.CLASSIFYING, CaseStatus.SIGNED}),
    CaseStatus.SIGNED: frozenset({CaseStatus.IN_REVIEW}),  # to amend the report
    CaseStatus.WITHDRAWN: frozenset(),
}
