"""What a signed report keeps in its place: the pictures that it rests on, its case, its PDF."""

from collections.abc import Iterable, Sequence

from patients.errors import MoveRefused
from patients.models import Case, SmearImage
from review.choices import ReportState
from review.models import Report

_IN_FORCE = (ReportState.AWAITING, ReportState.FINAL)


class SignedPictures:
    """Asked by ``patients`` before a picture is taken out of a case, or a case is withdrawn."""

    def images_received(self, *, case: Case, images: Iterable[SmearImage]) -> None:
        """Pictures may be added while a report is amended; the amended one will show them."""

    def image_removed(self, *, image: SmearImage) -> None:
        if Report.objects.filter(case=image.case_id, state__in=_IN_FORCE).exists():
            raise MoveRefused(
                "A signed report rests on the pictures of this case, so they stay as they are."
            )

    def case_withdrawn(self, *, case: Case) -> None:
        if Report.objects.filter(case=case, state__in=_IN_FORCE).exists():
            raise MoveRefused("This case has a signed report. It cannot be withdrawn.")


def known_files(keys: Sequence[str]) -> set[str]:
    """Those of these keys that a report points to."""
    return set(Report.objects.filter(pdf_key__in=keys).values_list("pdf_key", flat=True))
