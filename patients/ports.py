"""What the rest of the house does when a case's pictures change, and who hears what happened to it.

``patients`` may not import the apps above it, so the classifier and the review hand themselves in at
start-up. Calls are plain, synchronous and inside the caller's transaction.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from accounts.models import User
    from patients.models import Case, Comment, SmearImage


class Reading(Protocol):
    """An app that reads pictures."""

    def images_received(self, *, case: "Case", images: "Iterable[SmearImage]") -> None:
        """Pictures of a submitted case are in: queue the work on them."""

    def image_removed(self, *, image: "SmearImage") -> None:
        """A picture was taken out of its case: nothing open on it may go on."""

    def case_withdrawn(self, *, case: "Case") -> None:
        """The case was withdrawn: nothing open on it may go on."""


class Following(Protocol):
    """An app that wants to hear what happened to a case."""

    def case_ready(self, *, case: "Case") -> None:
        """Nothing of the case waits for the model any more: a specialist may take it."""

    def case_taken(self, *, case: "Case") -> None:
        """A specialist has the case now."""

    def cell_unread(self, *, case: "Case", key: str) -> None:
        """A cell was set aside to be read by eye; ``key`` names it."""

    def comment_added(self, *, comment: "Comment") -> None:
        """Somebody wrote in the thread."""

    def case_opened(self, *, case: "Case", user: "User") -> "datetime | None":
        """Somebody has the case before them; when they had it last, None for the first time."""


_readings: list[Reading] = []
_following: list[Following] = []


def register(reading: Reading) -> None:
    _readings.append(reading)


def readings() -> tuple[Reading, ...]:
    return tuple(_readings)


def follow(following: Following) -> None:
    _following.append(following)


def following() -> tuple[Following, ...]:
    return tuple(_following)


def case_opened(*, case: "Case", user: "User") -> "datetime | None":
    """Tell everybody that follows; when this person had the case before them last."""
    last = [each.case_opened(case=case, user=user) for each in _following]
    return max(filter(None, last), default=None)
