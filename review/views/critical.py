"""Critical results that wait for somebody of the clinic, and acknowledging them."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Action, get_visible_or_404, require
from accounts.views import page_for
from audit.services import record
from patients.models import Case
from review.models import CriticalResult
from review.services.critical import critical_acknowledge, critical_listed

LONGEST = 200


@require_safe
@page_for(Action.FOLLOW_CASES)
def critical(request: HttpRequest) -> HttpResponse:
    """What is open: a clinician's organisation's, or what a specialist signed."""
    results = list(critical_listed(request.user)[: LONGEST + 1])
    record(action="critical.listed", actor=request.user, count=len(results))
    context = {"results": results[:LONGEST], "more": len(results) > LONGEST}
    return render(request, "review/critical.html", context)


@login_required
@require_POST
def acknowledge(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Those that the person was shown; one that was raised since stays open."""
    case = get_visible_or_404(request, Case, public_id=case_id)
    require(request.user, Action.ACKNOWLEDGE, case)
    shown = {name for text in request.POST.getlist("critical") if (name := _uuid(text))}
    for result in CriticalResult.objects.filter(case=case, public_id__in=shown):
        critical_acknowledge(actor=request.user, critical=result)
    if CriticalResult.objects.filter(case=case, acknowledged_at__isnull=True).exists():
        messages.warning(request, "A critical result of this case is still open: see below.")
    elif shown:
        messages.success(request, "Acknowledged. The specialist sees it.")
    return redirect(case)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
