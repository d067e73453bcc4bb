"""Readings besides the first: handing over, second opinions, blinded second readings, both compared."""

import uuid
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Action, get_visible_or_404, require
from audit.services import record
from patients.errors import DomainError
from patients.views.case import find_case
from review.choices import ActKind, ReadingKind
from review.comparing import Comparison, compare_readings, doubly_read, pooled
from review.current import primary_reading
from review.forms import ColleagueForm, OpinionForm
from review.models import Reading
from review.rights import may_follow, may_write
from review.services.readings import (
    case_pass_on,
    opinion_ask,
    opinion_give,
    reading_commit,
    second_take,
)
from review.services.verdicts import Change, act_classify

COMPARED = 50  # doubly read cases on the agreement page, the newest


def find_reading(request: HttpRequest, public_id: UUID) -> Reading:
    related = Reading.objects.select_related("case__patient", "case__organisation", "case__reader")
    return get_visible_or_404(request, related, public_id=public_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Choose a colleague; the case is theirs then."""
    case = find_case(request, case_id)
    require(request.user, Action.HAND_OVER_CASE, case)
    form = ColleagueForm(request.POST or None, user=request.user, case=case)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                to = form.cleaned_data["colleague"]
                case_pass_on(actor=request.user, case=case, to=to)
            except DomainError as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, f"{case.number} is with {to} now.")
                return redirect("review:worklist")
    context = {"case": case, "form": form}
    return render(request, "review/hand_over.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def opinion(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Ask a colleague; see what those asked before have answered."""
    case = find_case(request, case_id)
    require(request.user, Action.ASK_OPINION, case)
    form = OpinionForm(request.POST or None, user=request.user, case=case)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            of = form.cleaned_data["colleague"]
            try:
                question = form.cleaned_data["question"]
                opinion_ask(actor=request.user, case=case, of=of, question=question)
            except DomainError as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, f"{of} was asked. The case stays with you.")
                return redirect("review:desk", case_id=case.public_id)
    asked = case.readings.filter(kind=ReadingKind.OPINION).select_related("reader")
    context = {"case": case, "form": form, "asked": asked}
    return render(request, "review/opinion.html", context, status=status)


@login_required
@require_POST
def give(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The reader of a second opinion or a second reading is done with it."""
    reading = find_reading(request, public_id)
    require(request.user, Action.READ_CELLS, reading)
    try:
        if reading.kind == ReadingKind.OPINION:
            opinion_give(actor=request.user, reading=reading)
        else:
            reading_commit(actor=request.user, reading=reading)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("review:desk", case_id=reading.case.public_id)
    messages.success(request, f"Your reading of {reading.case.number} is finished. Thank you.")
    return redirect("review:worklist")


@login_required
@require_POST
def take_second(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a blinded second reading that nobody has yet."""
    reading = find_reading(request, public_id)
    require(request.user, Action.CLAIM_CASE, reading.case)
    try:
        second_take(actor=request.user, reading=reading)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("review:worklist")
    return redirect("review:desk", case_id=reading.case.public_id)


def _comparison(request: HttpRequest, public_id: UUID) -> Comparison:
    """Of a finished reading with the primary one; 404 where the person may not see either."""
    other = find_reading(request, public_id)
    require(request.user, Action.REVIEW)
    primary = primary_reading(other.case)
    if (
        primary is None
        or other.kind == ReadingKind.PRIMARY
        or other.finished_at is None
        or not may_follow(request.user, other)
        or not may_follow(request.user, primary)
    ):
        raise Http404
    primary.case = other.case
    return compare_readings(primary, other)


@login_required
@require_safe
def compare(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Where two readers of a case differ, cell by cell, for whoever decides."""
    compared = _comparison(request, public_id)
    case = compared.other.case
    record(
        action="readings.compared", actor=request.user, obj=compared.other, case_id=case.public_id
    )
    context = {
        "case": case,
        "compared": compared,
        "other": compared.other,
        "writes": may_write(request.user, compared.primary),
    }
    return render(request, "review/compare.html", context)


@login_required
@require_POST
def decide(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The reader of the case decides on cells: keep theirs, or adopt the other reader's."""
    compared = _comparison(request, public_id)
    require(request.user, Action.READ_CELLS, compared.primary)
    wanted = request.POST.getlist("cell")
    adopt = request.POST.get("how") == "adopt"
    changes = [
        Change(
            difference.state.cell.public_id,
            difference.state.label,
            difference.theirs.label if adopt else difference.state.label,
        )
        for difference in compared.differences
        if str(difference.state.cell.public_id) in wanted
    ]
    if not changes:
        messages.error(request, "Choose at least one cell, then decide.")
        return redirect("review:compare", public_id=public_id)
    try:
        act_classify(
            actor=request.user,
            reading=compared.primary,
            key=request.POST.get("key", "")[:64] or uuid.uuid4().hex,
            changes=changes,
            kind=ActKind.ADOPT if adopt else ActKind.CLASSIFY,
        )
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("review:compare", public_id=public_id)


@login_required
@require_safe
def agreement(request: HttpRequest) -> HttpResponse:
    """How far readers agree on the cases that were read twice, blind."""
    require(request.user, Action.REVIEW)
    compared = []
    for other in doubly_read(request.user)[:COMPARED]:
        primary = primary_reading(other.case)
        if primary is not None and may_follow(request.user, other):
            primary.case = other.case
            compared.append(compare_readings(primary, other))
    record(action="agreement.viewed", actor=request.user, count=len(compared))
    context = {"compared": compared, "all": pooled(compared), "most": COMPARED}
    return render(request, "review/agreement.html", context)
