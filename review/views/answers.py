"""Feedback on reports: given by the clinic, seen by the reading centre."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Action, get_visible_or_404, require
from accounts.views import page_for
from audit.services import record
from patients.errors import DomainError
from review.answers import LATEST, SPAN, answers_to
from review.choices import Answered
from review.models import Report
from review.services.answers import feedback_give


class AnswerForm(forms.Form):
    answered = forms.ChoiceField(choices=Answered.choices)
    body = forms.CharField(max_length=2000, required=False)


@login_required
@require_POST
def answer(request: HttpRequest, report_id: UUID) -> HttpResponse:
    report = get_visible_or_404(request, Report.objects.select_related("case"), public_id=report_id)
    require(request.user, Action.ANSWER_REPORT, report.case)
    form = AnswerForm(request.POST)
    back = redirect(reverse("review:report", args=[report.public_id]) + "#answer")
    if not form.is_valid():
        messages.error(
            request, "Nothing was sent. Choose yes, partly or no; write at most 2,000 characters."
        )
        return back
    try:
        feedback_give(actor=request.user, report=report, **form.cleaned_data)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Thank you. The reading centre sees your answer.")
    return back


@require_safe
@page_for(Action.REVIEW)
def answers(request: HttpRequest) -> HttpResponse:
    """How often reports answered the question, and what clinicians wrote."""
    everything = request.GET.get("span") == "all"
    answered = request.GET.get("answered", "")
    found = answers_to(request.user, days=None if everything else SPAN.days, answered=answered)
    record(action="feedback.viewed", actor=request.user, count=len(found.latest))
    context = {
        "found": found,
        "everything": everything,
        "answered": answered if answered in Answered.values else "",
        "days": SPAN.days,
        "latest": LATEST,
    }
    return render(request, "review/answers.html", context)
