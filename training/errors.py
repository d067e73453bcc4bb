"""What training refuses, each a sentence for people."""

from patients.errors import DomainError


class TrainingRefused(DomainError):
    """Nothing was changed; the sentence says why."""

    code = "training"
