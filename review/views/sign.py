"""The page where a report is written and signed, and the text that saves itself there."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Action, allowed, require
from accounts.proof import NotProven, prove
from audit.models import Outcome
from audit.services import record
from patients.errors import DomainError, StaleEdit
from patients.forms import first_errors
from patients.models import Case
from patients.views import wants_json
from patients.views.case import find_case
from review.choices import ReportState
from review.current import primary_reading
from review.errors import AlreadySigned, NotReady
from review.models import Reading, Report, ReportDraft, TextBlock
from review.policy import policy_of
from review.report_forms import DraftForm, ProofForm, TextBlockForm
from review.reports.content import basis_digest, basis_of
from review.reports.sheet import Sheet
from review.services.amending import amendment_begin, amendment_stop
from review.services.blockers import Reason, sign_blockers
from review.services.drafts import draft_of, draft_save
from review.services.signing import refuse_if_signed, report_sign
from review.views.preview import preview_picture


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """What would be signed, what stands in its way, and the signature."""
    case = find_case(request, case_id)
    require(request.user, Action.REVIEW)
    reports = list(Report.objects.filter(case=case).order_by("pk"))
    try:
        refuse_if_signed(case, reports)
    except AlreadySigned as error:
        return _already(request, reports, error)
    require(request.user, Action.SIGN_REPORT, case)
    reading = primary_reading(case)
    if reading is None:
        return redirect(reverse("review:desk", args=[case.public_id]))
    reading.case = case
    if request.method == "POST":
        return _sign(request, reading)
    record(action="case.viewed", actor=request.user, obj=case, case_id=case.public_id)
    return _page(request, reading, ProofForm(user=request.user))


def _sign(request: HttpRequest, reading: Reading) -> HttpResponse:
    case, form = reading.case, ProofForm(request.POST, user=request.user)
    if reasons := sign_blockers(reading, actor=request.user):
        # Before a code is spent on what is refused anyway.
        return _page(request, reading, form, status=409, reasons=reasons)
    if not form.is_valid() or not proven(request, form, case):
        return _page(request, reading, form, status=422)
    draft = draft_of(case)
    try:
        report = report_sign(
            actor=request.user,
            reading=reading,
            comment=draft.comment,
            reason=draft.reason,
            method=form.method,
            basis=request.POST.get("basis", ""),
            draft=_whole(request.POST.get("draft", "")),
        )
    except AlreadySigned as error:
        return _already(request, list(Report.objects.filter(case=case).order_by("pk")), error)
    except NotReady:
        return _page(request, reading, form, status=409)
    except DomainError as error:
        form.add_error(None, str(error))
        return _page(request, reading, form, status=409 if error.code == StaleEdit.code else 422)
    if report.state == ReportState.AWAITING:
        messages.success(request, "Signed. The report waits for the second signature.")
    else:
        messages.success(request, f"{case.number} is signed: report version {report.version}.")
    return redirect(reverse("review:report", args=[report.public_id]))


def proven(request: HttpRequest, form: ProofForm, case: Case) -> bool:
    """Ask who this is; ``form.method`` says how they showed it. A failure is audited."""
    try:
        form.method = prove(  # type: ignore[attr-defined]
            request,
            password=form.cleaned_data["password"],
            code=form.cleaned_data.get("code", ""),
        )
    except NotProven as error:
        form.add_error(error.field if error.field in form.fields else "password", str(error))
        record(
            action="signature.refused",
            actor=request.user,
            obj=case,
            case_id=case.public_id,
            outcome=Outcome.FAILED,
            method=error.field,
        )
        return False
    return True


def _already(request: HttpRequest, reports: list[Report], error: AlreadySigned) -> HttpResponse:
    """Somebody was faster: their report, with a word about it."""
    report = next(one for one in reversed(reports) if one.state != ReportState.RETURNED)
    address = reverse("review:report", args=[report.public_id])
    if request.method != "POST":
        return redirect(address)
    context = {"case": report.case, "address": address, "message": str(error)}
    return render(request, "review/already_signed.html", context, status=409)


def _page(
    request: HttpRequest,
    reading: Reading,
    form: ProofForm,
    *,
    status: int = 200,
    reasons: list[Reason] | None = None,
) -> HttpResponse:
    case, user = reading.case, request.user
    if reasons is None:
        reasons = sign_blockers(reading, actor=user)
    amends = Report.objects.filter(case=case, state=ReportState.FINAL).first()
    draft = draft_of(case)
    context: dict[str, Any] = {
        "case": case,
        "reading": reading,
        "reasons": reasons,
        "amends": amends,
        "draft": draft,
        "draft_form": DraftForm(instance=draft, amends=amends is not None),
        "form": form,
        "second": case.readings.filter(kind="second").first(),
        "opinions": case.readings.filter(kind="opinion", finished_at=None).select_related("reader"),
        "blocks": TextBlock.objects.visible_to(user),
        "block_form": TextBlockForm(prefix="new"),
        "two_signers": policy_of(user.organisation).two_signers,
    }
    if not reading.hides_model:
        basis = basis_of(reading, reader=user)
        picture = preview_picture(basis)
        context |= {
            "basis": basis_digest(basis),
            "sheet": Sheet(
                basis | {"comment": draft.comment}, picture=picture, house=user.organisation.name
            ),
        }
    return render(request, "review/sign.html", context, status=status)


@login_required
@require_POST
def draft(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Save comment and reason: JSON for the page that saves itself, a redirect without JavaScript."""
    case = find_case(request, case_id)
    require(request.user, Action.SIGN_REPORT, case)
    amends = Report.objects.filter(case=case, state=ReportState.FINAL).exists()
    form = DraftForm(request.POST, amends=amends)
    back = redirect(reverse("review:sign", args=[case.public_id]) + "#comment")
    if not form.is_valid():
        return _draft_refused(request, back, 422, "invalid", "Not saved.", first_errors(form))
    try:
        saved = draft_save(
            actor=request.user,
            case=case,
            version=_whole(request.POST.get("version", "")),
            comment=form.cleaned_data["comment"],
            reason=form.cleaned_data.get("reason", ""),
        )
    except DomainError as error:
        more = {"version": 0, "values": {}}
        if error.code == StaleEdit.code:
            more = _saved(draft_of(case))
        return _draft_refused(request, back, 409, error.code, str(error), {}, more)
    if not wants_json(request):
        messages.success(request, "The comment was saved.")
        return back
    return JsonResponse({**_saved(saved), "saved_at": timezone.localtime().strftime("%H:%M")})


def _saved(draft: ReportDraft) -> dict[str, Any]:
    values = {"comment": draft.comment, "reason": draft.reason}
    return {"version": draft.version, "values": values}


def _draft_refused(
    request: HttpRequest,
    back: HttpResponse,
    status: int,
    code: str,
    message: str,
    errors: dict[str, str],
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    if not wants_json(request):
        messages.error(request, " ".join([message, *errors.values()]))
        return back
    answer = {"code": code, "message": message, "errors": errors, **(more or {})}
    return JsonResponse(answer, status=status)


@login_required
@require_POST
def amend(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Take the signed case in hand, then to the desk."""
    case = find_case(request, case_id)
    require(request.user, Action.AMEND_REPORT, case)
    try:
        amendment_begin(actor=request.user, case=case)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(case)
    messages.success(
        request,
        "The report stays in force until you sign the amended one. Change what is wrong, then sign.",
    )
    return redirect(reverse("review:desk", args=[case.public_id]))


@login_required
@require_POST
def amend_stop(request: HttpRequest, case_id: UUID) -> HttpResponse:
    case = find_case(request, case_id)
    require(request.user, Action.AMEND_REPORT, case)
    if not allowed(request.user, Action.SIGN_REPORT, case):
        messages.error(request, "You are not amending this report. Nothing was changed.")
        return redirect(case)
    try:
        amendment_stop(actor=request.user, case=case)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(reverse("review:sign", args=[case.public_id]))
    messages.success(request, f"The report of {case.number} stays as it was signed.")
    return redirect(case)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
