"""A case's reports on its own page."""

from typing import Any

from django import template
from django.template.context import Context

from accounts.permissions import Action, allowed
from patients.choices import CaseStatus
from patients.models import Case
from review.choices import ReportState
from review.models import Report

register = template.Library()


@register.inclusion_tag("review/_case_reports.html", takes_context=True)
def case_reports(context: Context, case: Case) -> dict[str, Any]:
    """The versions that this person may open, newest first, and what to do next. One query."""
    user = context["user"]
    reports = list(
        Report.objects.visible_to(user)
        .filter(case=case)
        .exclude(state=ReportState.RETURNED)
        .order_by("-version")
    )
    awaiting = any(one.state == ReportState.AWAITING for one in reports)
    in_review = case.status in (CaseStatus.IN_REVIEW, CaseStatus.CLASSIFYING)
    final = any(one.state == ReportState.FINAL for one in reports)
    return {
        "case": case,
        "reports": reports,
        "may_sign": in_review and not awaiting and allowed(user, Action.SIGN_REPORT, case),
        "amending": final and case.status != CaseStatus.SIGNED,
    }
