"""The worklist, and the moves of a case between it and its readers."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Action, require
from audit.services import record
from patients import services as patients
from patients.choices import Priority
from patients.errors import DomainError
from patients.lists import image_counts
from patients.views import wants_partial
from patients.views.case import find_case
from review.services.readings import case_take
from review.worklist import PAGE_SIZE, Worklist, mark_due, next_to_take, progress_today


@login_required
@require_safe
def worklist(request: HttpRequest) -> HttpResponse:
    """What this specialist has to read, section by section, the most urgent first."""
    require(request.user, Action.REVIEW)
    listed = Worklist.from_query(request.user, request.GET)
    listed.settle()
    cases = listed.cases().prefetch_related("patient", "organisation", "reader")
    page = Paginator(cases, PAGE_SIZE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    counts = image_counts(shown)
    for case in shown:
        case.image_count = counts.get(case.pk, 0)
    mark_due(shown)
    record(
        action="worklist.viewed",
        actor=request.user,
        cases=len(shown),
        status=listed.section,
        searched=bool(listed.text),
    )
    context = {
        "list": listed,
        "page_obj": page,
        "cases": shown,
        "priorities": Priority.choices,
        "organisations": listed.organisations(),
        "progress": progress_today(request.user),
    }
    template = "review/_worklist.html" if wants_partial(request) else "review/worklist.html"
    return render(request, template, context)


@login_required
@require_POST
def take(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Take a case, and open the desk."""
    case = find_case(request, case_id)
    require(request.user, Action.CLAIM_CASE, case)
    try:
        case_take(actor=request.user, case=case)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(case)
    return redirect("review:desk", case_id=case.public_id)


@login_required
@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """Take the most urgent case that nobody holds; should somebody be faster, the one after it."""
    require(request.user, Action.REVIEW)
    for _ in range(5):
        case = next_to_take(request.user)
        if case is None:
            messages.info(request, "Nothing is waiting to be taken.")
            break
        try:
            case_take(actor=request.user, case=case)
        except DomainError:
            continue
        return redirect("review:desk", case_id=case.public_id)
    return redirect("review:worklist")


@login_required
@require_POST
def release(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Give a case back to the worklist. What was classified stays with it."""
    case = find_case(request, case_id)
    require(request.user, Action.RELEASE_CASE, case)
    try:
        patients.case_release(actor=request.user, case=case)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(case)
    messages.success(request, f"{case.number} is back on the worklist. Your verdicts stay with it.")
    return redirect("review:worklist")
