"""A report's files: PDF, frozen content, FHIR, and the pictures of its cells."""

import logging
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from audit.services import record
from patients import storage
from patients.errors import DomainError
from review.choices import ReportState
from review.models import Report
from review.reports.fhir import bundle_of
from review.reports.pdf import PdfUnavailable
from review.reports.pictures import Cutter
from review.reports.reading import content_of
from review.services.answers import report_opened
from review.services.rendering import ReportDamaged, report_pdf, require_whole
from review.views.report import damaged, find_report

log = logging.getLogger(__name__)


@login_required
@require_safe
def pdf(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The PDF, proven to be the one that was made."""
    found = _signed(request, report_id)
    try:
        data = report_pdf(report=found)
    except (PdfUnavailable, storage.StorageUnavailable) as error:
        return _not_now(request, found, error)
    except (ReportDamaged, storage.PictureDamaged, storage.PictureMissing) as error:
        log.error("report %s: %s", found.public_id, error.code)
        return damaged(request, found, error)
    return _download(request, found, data, "application/pdf", "pdf")


@login_required
@require_safe
def json(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The bytes that the signatures stand under."""
    found = _signed(request, report_id)
    try:
        require_whole(found)
    except ReportDamaged as error:
        return damaged(request, found, error)
    return _download(request, found, found.content.encode(), "application/json", "json")


@login_required
@require_safe
def fhir(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The report as a FHIR R4 bundle."""
    found = _signed(request, report_id)
    try:
        require_whole(found)
    except ReportDamaged as error:
        return damaged(request, found, error)
    data = JsonResponse(bundle_of(found), json_dumps_params={"indent": 1}).content
    return _download(request, found, data, "application/fhir+json", "fhir.json")


@login_required
@require_safe
def cell(request: HttpRequest, report_id: UUID, number: int) -> HttpResponse:
    """One cell, cut from the picture that was signed. Not recorded: the page that shows it is."""
    found = find_report(request, report_id)
    content = content_of(found)
    wanted = next((one for one in content["cells"] if one["number"] == number), None)
    if wanted is None:
        raise Http404
    try:
        data = Cutter(content).jpeg(wanted)
    except storage.StorageUnavailable as error:
        return HttpResponse(str(error), content_type="text/plain; charset=utf-8", status=503)
    except (storage.PictureDamaged, storage.PictureMissing) as error:
        log.error("report %s, cell %d: %s", found.public_id, number, error.code)
        return damaged(request, found, error)
    return HttpResponse(data, content_type="image/jpeg")


def _signed(request: HttpRequest, report_id: UUID) -> Report:
    """What may leave the house: a report with all its signatures."""
    found = find_report(request, report_id)
    if found.state not in (ReportState.FINAL, ReportState.SUPERSEDED):
        raise Http404
    return found


def _download(
    request: HttpRequest, found: Report, data: bytes, kind: str, ending: str
) -> HttpResponse:
    record(
        action="report.downloaded",
        actor=request.user,
        obj=found,
        case_id=found.case.public_id,
        version=found.version,
        format=ending,
    )
    report_opened(actor=request.user, report=found)
    response = HttpResponse(data, content_type=kind)
    name = f"{found.case.number}-report-{found.version}.{ending}"
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response


def _not_now(request: HttpRequest, found: Report, error: DomainError) -> HttpResponse:
    context = {"report": found, "case": found.case, "message": str(error)}
    response = render(request, "review/report_unavailable.html", context, status=503)
    if isinstance(error, storage.StorageUnavailable):
        response.headers["Retry-After"] = "5"
    return response
