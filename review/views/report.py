"""A report: on screen, its second signature, and being given back."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.permissions import Action, allowed, get_visible_or_404, require
from audit.models import Outcome
from audit.services import record
from patients.choices import CaseStatus
from patients.errors import DomainError
from review.choices import ReportState
from review.models import Report
from review.report_forms import ProofForm, ReturnForm
from review.reports.changes import changes
from review.reports.pdf import NEEDED, pdf_available
from review.reports.reading import content_of
from review.reports.sheet import Sheet
from review.services.answers import report_opened
from review.services.rendering import ReportDamaged, require_whole
from review.services.signing import report_cosign, report_return
from review.views.sign import proven
from review.worklist import next_to_read, next_to_take


def find_report(request: HttpRequest, report_id: UUID) -> Report:
    """The report if this person may open it: what is not signed yet, specialists alone."""
    related = Report.objects.select_related(
        "case__patient", "case__organisation", "case__reader", "amends", "created_by"
    )
    found: Report = get_visible_or_404(request, related, public_id=report_id)
    require(request.user, Action.VIEW_REPORT, found.case)
    return found


@login_required
@require_safe
def report(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The report as it was signed, and around it what may be done with it."""
    return _page(request, find_report(request, report_id))


@login_required
@require_POST
def cosign(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The second signature."""
    found = find_report(request, report_id)
    require(request.user, Action.COSIGN_REPORT, found.case)
    form = ProofForm(request.POST, user=request.user)
    if found.state != ReportState.AWAITING:
        form.is_valid()
        form.add_error(None, "This report does not wait for a signature any more.")
        return _page(request, found, form=form, status=409)
    if not form.is_valid() or not proven(request, form, found.case):
        return _page(request, found, form=form, status=422)
    try:
        report_cosign(actor=request.user, report=found, method=form.method)  # type: ignore[attr-defined]
    except DomainError as error:
        form.add_error(None, str(error))
        found.refresh_from_db()
        return _page(request, found, form=form, status=409)
    messages.success(request, f"{found.case.number} is signed: report version {found.version}.")
    return redirect(reverse("review:report", args=[found.public_id]))


@login_required
@require_POST
def give_back(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """Back to the first signer, unsigned, with a sentence in the thread."""
    found = find_report(request, report_id)
    require(request.user, Action.COSIGN_REPORT, found.case)
    form = ReturnForm(request.POST)
    if not form.is_valid():
        return _page(request, found, return_form=form, status=422)
    try:
        report_return(actor=request.user, report=found, sentence=form.cleaned_data["sentence"])
    except DomainError as error:
        form.add_error(None, str(error))
        found.refresh_from_db()
        return _page(request, found, return_form=form, status=409)
    messages.success(request, "The report was given back. Your sentence is in the thread.")
    return redirect(found.case)


def _page(
    request: HttpRequest,
    found: Report,
    *,
    form: ProofForm | None = None,
    return_form: ReturnForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user, case = request.user, found.case
    versions = list(
        Report.objects.visible_to(user)
        .filter(case=case)
        .exclude(state=ReportState.RETURNED)
        .prefetch_related("signatures")
        .order_by("-version")
    )
    context: dict[str, Any] = {"report": found, "case": case, "versions": versions}
    try:
        require_whole(found)
    except ReportDamaged as error:
        return damaged(request, found, error, context)
    record(
        action="report.viewed",
        actor=user,
        obj=found,
        case_id=case.public_id,
        version=found.version,
    )
    report_opened(actor=user, report=found)
    awaiting = found.state == ReportState.AWAITING
    signed_by_me = found.signatures.filter(signer=user.pk).exists()
    may_cosign = awaiting and allowed(user, Action.COSIGN_REPORT, case)
    content = content_of(found)
    context |= {
        "sheet": Sheet(content, found, picture=_picture(found)),
        "changes": changes(content_of(found.amends), content) if found.amends else [],
        "awaiting": awaiting,
        "signed_by_me": signed_by_me,
        "form": (form or ProofForm(user=user)) if may_cosign and not signed_by_me else None,
        "return_form": (return_form or ReturnForm()) if may_cosign else None,
        "errors": form.non_field_errors() if form is not None else [],
        "newer": next((one for one in versions if one.state == ReportState.FINAL), None)
        if found.state == ReportState.SUPERSEDED
        else None,
        "may_amend": found.state == ReportState.FINAL
        and case.status == CaseStatus.SIGNED
        and allowed(user, Action.AMEND_REPORT, case),
        "amending": found.state == ReportState.FINAL and case.status != CaseStatus.SIGNED,
        **(_go_on(user) if signed_by_me and not awaiting else {}),
        "signed": found.state in (ReportState.FINAL, ReportState.SUPERSEDED),
        "pdf_available": pdf_available(),
        "pdf_needs": NEEDED,
    }
    return render(request, "review/report.html", context, status=status)


def _go_on(user: User) -> dict[str, Any]:
    """What whoever has signed reads next: a case that they hold, or one that they may take."""
    held = next_to_read(user)
    return {"next_case": held, "next_to_take": None if held else next_to_take(user)}


def _picture(found: Report) -> Any:
    nobody = 0
    address = reverse("review:report-cell", args=[found.public_id, nobody])
    stem = address.removesuffix(str(nobody))
    return lambda cell: f"{stem}{cell['number']}"


def damaged(
    request: HttpRequest, found: Report, error: DomainError, context: dict[str, Any] | None = None
) -> HttpResponse:
    """Nothing of it is shown: a sentence with the number to look it up by, and a line in the audit."""
    record(
        action="report.unusable",
        actor=request.user,
        obj=found,
        case_id=found.case.public_id,
        outcome=Outcome.FAILED,
        code=error.code,
    )
    context = {"report": found, "case": found.case, "message": str(error)} | (context or {})
    return render(request, "review/report_damaged.html", context, status=410)
