"""What the rest of the house does when a case's pictures change.

``patients`` may not import the apps above it, so the classifier hands itself in at start-up. Calls
are plain, synchronous and inside the caller's transaction.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from patients.models import Case, SmearImage


class Reading(Protocol):
    """An app that reads pictures."""

    def images_received(self, *, case: "Case", images: "Iterable[SmearImage]") -> None:
        """Pictures of a submitted case are in: queue the work on them."""

    def image_removed(self, *, image: "SmearImage") -> None:
        """A picture was taken out of its case: nothing open on it may go on."""

    def case_withdrawn(self, *, case: "Case") -> None:
        """The case was withdrawn: nothing open on it may go on."""


_readings: list[Reading] = []


def register(reading: Reading) -> None:
    _readings.append(reading)


def readings() -> tuple[Reading, ...]:
    return tuple(_readings)
