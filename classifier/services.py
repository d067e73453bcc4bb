"""Turning received pictures into queued work."""

from collections.abc import Iterable

from patients.models import Case, SmearImage


class CaseReading:
    """The classifier's side of ``patients.ports.Reading``."""

    def images_received(self, *, case: Case, images: Iterable[SmearImage]) -> None:
        pass

    def image_removed(self, *, image: SmearImage) -> None:
        pass

    def case_withdrawn(self, *, case: Case) -> None:
        pass
