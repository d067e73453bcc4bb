"""A report's content as its page, its print and its PDF say it: figures written, nothing computed."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.dateparse import parse_date, parse_datetime

from patients.choices import Sex
from review.choices import ReportState
from review.differential_view import Line, View, view
from review.models import Report, Signature
from review.reports.codes import shown_code
from review.reports.pictures import Group, groups_of
from review.reports.qr import QrPath, qr_path

_STANDING: dict[str, str] = {
    ReportState.AWAITING: "Not in force: it waits for its second signature.",
    ReportState.RETURNED: "Not in force: it was given back unsigned.",
    ReportState.SUPERSEDED: "Not in force: it was replaced by an amended version.",
}


class Sheet:
    """``report`` is None for the preview of one that nobody has signed yet; ``picture`` says where
    a frozen cell's picture is to be had."""

    def __init__(
        self,
        content: Mapping[str, Any],
        report: Report | None = None,
        *,
        picture: Callable[[Mapping[str, Any]], str],
        house: str = "",
    ) -> None:
        self.content = content
        self.report = report
        self.picture = picture
        first = content.get("signed_first")
        self.house = first["organisation"] if first else house  # who reads

    @cached_property
    def patient(self) -> dict[str, Any]:
        patient = dict(self.content["patient"])
        names = [patient["family_name"], patient["given_name"]]
        patient["name"] = ", ".join(filter(None, names))
        patient["sex"] = Sex(patient["sex"]).label
        patient["birth_date"] = _day(patient["birth_date"])
        return patient

    @property
    def wbc(self) -> str:
        wbc = self.content["total_wbc"]
        return wbc["value"] if wbc else ""

    @property
    def submitted_at(self) -> datetime | None:
        return _time(self.content["case"]["submitted_at"])

    @property
    def first_signed_at(self) -> datetime | None:
        first = self.content.get("signed_first")
        return _time(first["at"]) if first else None

    @cached_property
    def differential(self) -> View:
        return view(self.content["differential"])

    @property
    def lines(self) -> list[tuple[Line, dict[str, Any] | None]]:
        """Each line of the differential with its gravest flag."""
        flags = {flag["code"]: flag for flag in self.content["differential"]["flags"]}
        gravest = {
            row["label"]: flags.get(row["flag"] or "")
            for row in self.content["differential"]["rows"]
        }
        return [(line, gravest[line.label]) for line in self.differential.lines]

    @cached_property
    def groups(self) -> list[Group]:
        return groups_of(self.content)

    @property
    def pictured(self) -> list[tuple[Group, list[tuple[int, str]]]]:
        """Each group with the number and the address of each of its cells' pictures."""
        return [
            (group, [(cell["number"], self.picture(cell)) for cell in group.cells])
            for group in self.groups
        ]

    @property
    def readers(self) -> list[str]:
        """Who called at least one cell something, in the order in which they first did."""
        return list(
            dict.fromkeys(
                cell["by"]["name"]
                for cell in self.content["cells"]
                if cell["by"] and cell["basis"] == "verdict"
            )
        )

    @property
    def changed(self) -> int:
        """Cells that the model had named, and the reader called something else."""
        return sum(
            1
            for cell in self.content["cells"]
            if cell["model"] and not cell["model"]["abstained"]
            if cell["model"]["label"] != cell["label"]
        )

    @property
    def answered(self) -> int:
        """Cells that the model had named."""
        return sum(
            1 for cell in self.content["cells"] if cell["model"] and not cell["model"]["abstained"]
        )

    @cached_property
    def signatures(self) -> list[Signature]:
        return list(self.report.signatures.all()) if self.report else []

    @property
    def signed(self) -> bool:
        """With every signature that it needs: it has a code that can be verified."""
        state = self.report.state if self.report else ""
        return state in (ReportState.FINAL, ReportState.SUPERSEDED)

    @property
    def standing(self) -> str:
        """What must be said on the paper itself of a report that is not in force."""
        return _STANDING.get(self.report.state, "") if self.report else ""

    @property
    def looked_at(self) -> bool:
        """Somebody had every cell on screen, which a signature needs."""
        return all(cell["at"] for cell in self.content["cells"])

    @property
    def code(self) -> str:
        return shown_code(self.report.code) if self.report else ""

    @property
    def address(self) -> str:
        """Where the code is verified: what the QR code opens."""
        if self.report is None:
            return ""
        query = urlencode({"code": self.report.code})
        return f"{settings.BASE_URL.rstrip('/')}{reverse('review:verify')}?{query}"

    @property
    def page_address(self) -> str:
        """As it is printed for people who type it."""
        return f"{settings.BASE_URL.rstrip('/')}{reverse('review:verify')}"

    @property
    def qr(self) -> QrPath | None:
        return qr_path(self.address) if self.report else None


def _day(text: str | None) -> date | None:
    return parse_date(text) if text else None


def _time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
