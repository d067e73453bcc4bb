"""The specialist's desk: all cells of a case, and what its reader calls them."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.permissions import Action, allowed, require
from audit.services import record
from patients.choices import CaseStatus
from patients.models import Case
from patients.views.case import find_case
from review.choices import ReadingKind, ReportState
from review.desk import desk_data
from review.models import Reading, Report
from review.rights import reading_for
from review.services.readings import case_take


@login_required
@require_safe
def desk(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """The reading of this case that is this person's, or the primary one to look at."""
    case = find_case(request, case_id)
    require(request.user, Action.REVIEW)
    record(action="case.viewed", actor=request.user, obj=case, case_id=case.public_id)
    reading = reading_for(request.user, case)
    if reading is None and case.reader_id == request.user.pk:
        # Taken where nobody opens a reading: it is opened now.
        reading = case_take(actor=request.user, case=case)
    context: dict[str, Any] = {
        "case": case,
        "patient_age": case.patient.age_on(timezone.localdate()),
        "reading": reading,
        "may_take": allowed(request.user, Action.CLAIM_CASE, case)
        and case.status == CaseStatus.READY
        and case.reader_id is None,
    }
    if reading is None:
        return render(request, "review/desk_untaken.html", context)
    data = desk_data(user=request.user, case=case, reading=reading)
    context |= {
        "data": data,
        "writes": data["writes"],
        "line": "" if data["writes"] else _why_not(case, reading),
        "opinion": reading.kind == ReadingKind.OPINION,
        "second": reading.kind == ReadingKind.SECOND,
    }
    return render(request, "review/desk.html", context)


def _why_not(case: Case, reading: Reading) -> str:
    """Why this person looks and does not write, in a sentence."""
    if reading.kind == ReadingKind.SECOND:
        return "This second reading is done. Its verdicts stay as they are."
    if reading.kind == ReadingKind.OPINION:
        return "This second opinion is given. Its verdicts stay as they are."
    if case.status == CaseStatus.SIGNED:
        return "This case is signed. To change its report, amend it."
    if case.status == CaseStatus.WITHDRAWN:
        return "This case was withdrawn. Nobody reads it."
    if case.reader is None:
        return "Nobody holds this case now. Take it to give verdicts."
    if Report.objects.filter(case=case, state=ReportState.AWAITING).exists():
        return "The report waits for its second signature, so the cells stay as they are."
    return f"{case.reader} holds this case. You can look; only they give verdicts."
