"""What the case's pages and the report's show around them: news, critical results, receipts,
feedback."""

from datetime import datetime
from typing import Any

from django import template
from django.template.context import Context

from accounts.models import Role
from accounts.permissions import Action, allowed
from patients.models import Case
from review.choices import Answered, ReportState
from review.models import Feedback, Report, ReportReceipt
from review.news import News, news_of, news_since

register = template.Library()


@register.simple_tag(takes_context=True)
def note_news(context: Context, cases: list[Case]) -> str:
    """Give each case of the list its ``news``; two queries for all of them."""
    found = news_of(context["user"], cases)
    for case in cases:
        case.news = found.get(case.pk)  # type: ignore[attr-defined]
    return ""


@register.inclusion_tag("review/_news.html", takes_context=True)
def case_news(context: Context, case: Case, since: datetime | None) -> dict[str, Any]:
    """What is new on the case's own page."""
    found = news_since(context["user"], case, since)
    return {"news": found or News(since or case.created_at, ())}


@register.inclusion_tag("review/_critical.html", takes_context=True)
def critical_results(context: Context, case: Case) -> dict[str, Any]:
    """The referring side's banner until it is acknowledged; for all, how each result stands."""
    results = list(case.critical_results.select_related("acknowledged_by"))
    open_now = [result for result in results if result.acknowledged_at is None]
    return {
        "case": case,
        "open": open_now,
        "settled": [result for result in results if result.acknowledged_at is not None],
        "may_acknowledge": bool(open_now) and allowed(context["user"], Action.ACKNOWLEDGE, case),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("review/_receipts.html", takes_context=True)
def case_receipts(context: Context, case: Case) -> dict[str, Any]:
    """For specialists: who of the clinic opened the report that is in force."""
    return _receipts(
        context,
        ReportReceipt.objects.filter(report__case=case, report__state=ReportState.FINAL),
        signed=Report.objects.filter(case=case, state=ReportState.FINAL).exists,
    )


@register.inclusion_tag("review/_receipts.html", takes_context=True)
def report_receipts(context: Context, report: Report) -> dict[str, Any]:
    """For specialists: who of the clinic opened this version."""
    return _receipts(context, report.receipts.all(), signed=lambda: True)


def _receipts(context: Context, receipts: Any, *, signed: Any) -> dict[str, Any]:
    if context["user"].role != Role.SPECIALIST:
        return {"shown": False}
    found = list(receipts.select_related("reader"))
    return {"shown": bool(found) or signed(), "receipts": found}


@register.inclusion_tag("review/_feedback.html", takes_context=True)
def report_feedback(context: Context, report: Report) -> dict[str, Any]:
    """The clinician's question whether it was answered; for specialists, what was said."""
    user = context["user"]
    mine = Feedback.objects.filter(report=report, author=user.pk).first()
    asks = report.state == ReportState.FINAL and allowed(user, Action.ANSWER_REPORT, report.case)
    return {
        "report": report,
        "asks": asks,
        "mine": mine,
        "choices": Answered.choices,
        "given": list(report.feedback.select_related("author").order_by("at"))
        if user.role == Role.SPECIALIST
        else [],
        "csrf_token": context.get("csrf_token"),
    }
