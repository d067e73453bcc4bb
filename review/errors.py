"""Refusals of the review: each is a sentence for the person who caused it."""

from collections.abc import Sequence
from typing import Any

from patients.errors import DomainError


class NotYours(DomainError):
    """The reading is somebody else's now, or it is closed."""

    code = "not_yours"


class VerdictConflict(DomainError):
    """A cell is not what the reader took it for. ``conflicts`` names each, and nothing was saved."""

    code = "conflict"

    def __init__(self, conflicts: Sequence[dict[str, Any]]) -> None:
        many = len(conflicts)
        super().__init__(
            f"{'A cell was' if many == 1 else f'{many} cells were'} called something else "
            "meanwhile. Nothing was saved: look at what it is now, and decide again."
        )
        self.conflicts = list(conflicts)


class NotReady(DomainError):
    """The case cannot be signed yet. ``reasons`` is the list that the signer is shown."""

    code = "not_ready"

    def __init__(self, reasons: Sequence[dict[str, Any]]) -> None:
        super().__init__("This case cannot be signed yet.")
        self.reasons = list(reasons)


class AlreadySigned(DomainError):
    """Somebody signed first."""

    code = "already_signed"
