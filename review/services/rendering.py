"""The PDF of a report: drawn once, kept under its hash, proven each time it is handed out."""

import hashlib

from django.db import transaction

from audit.services import record
from patients import storage
from patients.errors import DomainError
from review.choices import ReportState
from review.models import Report
from review.reports.canonical import digest
from review.reports.pdf import draw

REPORTS = "reports"  # the folder of the store


class ReportDamaged(DomainError):
    """What is stored of a report is not what was signed, or not what was made."""

    code = "report_damaged"


def require_whole(report: Report) -> None:
    """Raise ReportDamaged unless the content has the hash that every signature stands under."""
    hashes = {report.sha256, *(row.sha256 for row in report.signatures.all())}
    if hashes != {digest(report.content)}:
        raise ReportDamaged(
            "The stored report does not have the hash that was signed. It is not shown, and your "
            "administrator must look into it."
        )


def report_pdf(*, report: Report) -> bytes:
    """The PDF of a signed report. Of two that ask at once, one draws what both get.

    Raises ReportDamaged, PdfUnavailable, StorageUnavailable, and what is wrong with a picture.
    """
    if report.state not in (ReportState.FINAL, ReportState.SUPERSEDED):
        raise DomainError("A report has a PDF when it is signed.", code="not_signed")
    require_whole(report)
    if not report.pdf_key:
        _keep(report, draw(report))
        report.refresh_from_db(fields=["pdf_key", "pdf_sha256"])
    try:
        return storage.read_verified(report.pdf_key, sha256=report.pdf_sha256)
    except (storage.PictureDamaged, storage.PictureMissing) as error:
        raise ReportDamaged(
            "The stored PDF of this report is gone or has changed since it was made. It is not "
            "handed out, and your administrator must look into it; the report on screen is whole."
        ) from error


def _keep(report: Report, pdf: bytes) -> None:
    """Store the file, then point to it, unless somebody else has meanwhile.

    A crash in between leaves a file without a row, which the sweep removes.
    """
    sha256 = hashlib.sha256(pdf).hexdigest()
    key = storage.new_key(REPORTS, ".pdf")
    storage.write_once(key, pdf, sha256=sha256)
    with transaction.atomic():
        kept = Report.objects.filter(pk=report.pk, pdf_key="").update(
            pdf_key=key, pdf_sha256=sha256
        )
        if kept:
            record(
                action="report.rendered",
                obj=report,
                case_id=report.case.public_id,
                version=report.version,
                sha256=sha256,
            )
    if not kept:
        storage.delete(key)
