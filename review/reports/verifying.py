"""What may be told about a report to whoever has its code or its file: nothing about the patient."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from review.choices import ReportState
from review.models import Report
from review.reports.codes import normal_code, shown_code


@dataclass(frozen=True)
class Told:
    """What the paper itself shows, and whether it is still in force."""

    code: str
    version: int
    state: str
    replaced_by: int | None  # the version in force now, where this one is not
    final_at: datetime | None
    signers: list[tuple[str, str, datetime]]  # name, organisation, when
    sha256: str
    pdf_sha256: str


def find(typed: str) -> Report | None:
    """The signed report under a code as somebody typed it."""
    return _signed().filter(code=normal_code(typed)).first()


def find_by_file(sha256: str) -> Report | None:
    """The signed report whose PDF or content has this hash."""
    return _signed().filter(Q(pdf_sha256=sha256) | Q(sha256=sha256)).first()


def _signed() -> QuerySet[Report]:
    return Report.objects.signed().select_related("case").prefetch_related("signatures")


def told_of(report: Report) -> Told:
    replaced = None
    if report.state == ReportState.SUPERSEDED:
        newer = Report.objects.filter(case=report.case_id, state=ReportState.FINAL).first()
        replaced = newer.version if newer else report.version + 1
    return Told(
        code=shown_code(report.code),
        version=report.version,
        state=report.state,
        replaced_by=replaced,
        final_at=report.final_at,
        signers=[
            (row.signer_name, row.signer_organisation, row.at) for row in report.signatures.all()
        ],
        sha256=report.sha256,
        pdf_sha256=report.pdf_sha256,
    )


def hash_of(chunks: Iterable[bytes]) -> str:
    """SHA-256 of a file as it comes in; nothing of it is kept."""
    sha256 = hashlib.sha256()
    for chunk in chunks:
        sha256.update(chunk)
    return sha256.hexdigest()


def file_says(sha256: str, report: Report) -> str:
    """ "pdf" or "json" where a file with this hash is the report's own, else empty."""
    if report.pdf_sha256 and sha256 == report.pdf_sha256:
        return "pdf"
    return "json" if sha256 == report.sha256 else ""
