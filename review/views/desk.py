"""The specialist's desk: all cells of a case, and what its reader calls them."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import Action, allowed, get_visible_or_404, require
from audit.services import record
from classifier.hiding import HIDDEN
from patients.choices import CaseStatus
from patients.models import Case
from patients.views.case import find_case
from review.choices import ReadingKind, ReportState
from review.desk import desk_data
from review.differential import case_differential
from review.models import Reading, Report
from review.notices.events import desk_opened
from review.rights import may_follow, reading_for
from review.services.readings import case_take
from review.worklist import Worklist, mark_due, place_of

RAIL = 40  # cases of one's own beside the desk


@login_required
@require_safe
def desk(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """The reading of this case that is this person's, or the primary one to look at."""
    user = request.user
    case = find_case(request, case_id)
    require(user, Action.REVIEW)
    record(action="case.viewed", actor=user, obj=case, case_id=case.public_id)
    reading = reading_for(user, case)
    if reading is None and case.reader_id == user.pk:
        # Taken where nobody opens a reading: it is opened now.
        reading = case_take(actor=user, case=case)
        reading.case = case
    context: dict[str, Any] = {
        "case": case,
        "reading": reading,
        "may_take": allowed(user, Action.CLAIM_CASE, case)
        and case.status == CaseStatus.READY
        and case.reader_id is None,
    }
    if reading is None or not may_follow(user, reading):
        context["kept"] = HIDDEN if reading is not None else ""
        return render(request, "review/desk_closed.html", context)
    data = desk_data(user=user, case=case, reading=reading)
    desk_opened(case=case, user=user)
    place = place_of(user, case)
    context |= {
        "data": data,
        "writes": data["writes"],
        "line": "" if data["writes"] else _why_not(case, reading),
        "opinion": reading.kind == ReadingKind.OPINION,
        "second": reading.kind == ReadingKind.SECOND,
        "holds": reading.kind == ReadingKind.PRIMARY and data["writes"],
        "differential": case_differential(reading),
        "compared": _finished(case) if case.reader_id == user.pk and not data["hidden"] else [],
        "place": place,
        "mine": _mine(user, case) if place else [],
    }
    return render(request, "review/desk.html", context)


@login_required
@require_safe
def differential(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The differential of a reading as it stands, for the desk to refresh behind its reader."""
    related = Reading.objects.select_related("case__patient", "case__organisation", "case__reader")
    reading = get_visible_or_404(request, related, public_id=public_id)
    require(request.user, Action.REVIEW)
    if not may_follow(request.user, reading):
        raise PermissionDenied
    context = {"differential": case_differential(reading), "compact": True}
    return render(request, "review/_differential.html", context)


def _finished(case: Case) -> list[Reading]:
    """Second readings and opinions that are done, for the reader of the case to compare."""
    done = case.readings.exclude(kind=ReadingKind.PRIMARY).filter(finished_at__isnull=False)
    return list(done.select_related("reader"))


def _mine(user: Any, case: Case) -> list[Case]:
    """The cases that this person holds, around this one, with the time left for each."""
    keys = list(Worklist(user=user).of("mine").values_list("pk", flat=True))
    first = max(0, min(keys.index(case.pk) - RAIL // 2, len(keys) - RAIL)) if case.pk in keys else 0
    found = Case.objects.select_related("organisation").in_bulk(keys[first : first + RAIL])
    cases = [found[key] for key in keys[first : first + RAIL] if key in found]
    mark_due(cases)
    return cases


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
