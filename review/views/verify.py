"""Verifying a printed report, or its file, for whoever has it: signed in or not."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.ratelimits import within_limit
from audit.models import Outcome
from audit.services import record
from review.models import Report
from review.report_forms import VerifyForm
from review.reports.codes import normal_code, shown_code
from review.reports.verifying import file_says, find, find_by_file, hash_of, told_of


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Whether there is such a report, whether it is in force, and whether a file is its own.

    Says nothing about the patient: a paper leaves the house, and whoever holds it has no account.
    """
    asked = (request.POST if request.method == "POST" else request.GET).copy()
    typed = asked.get("code", "").strip()
    upload = request.FILES.get("file")
    if not typed and upload is None and not asked.get("sha256"):
        return render(request, "review/verify.html", {"form": VerifyForm()})
    asked["code"] = shown_code(normal_code(typed))
    form = VerifyForm(asked, request.FILES if request.method == "POST" else None)
    if not within_limit(request, "verify"):
        context = {"form": form, "too_many": True}
        response = render(request, "review/verify.html", context, status=429)
        response.headers["Retry-After"] = "60"
        return response
    if getattr(request, "upload_too_large", False) or not form.is_valid():
        return render(request, "review/verify.html", {"form": form}, status=422)
    return _answer(request, form)


def _answer(request: HttpRequest, form: VerifyForm) -> HttpResponse:
    typed, upload = form.cleaned_data["code"], form.cleaned_data["file"]
    sha256 = hash_of(upload.chunks()) if upload else form.cleaned_data["sha256"]
    report = find(typed) if typed else find_by_file(sha256)
    context: dict[str, Any] = {
        "form": form,
        "asked_by_code": bool(typed),
        "told": told_of(report) if report else None,
        "file_sha256": sha256,
        "file_says": file_says(sha256, report) if report and sha256 else "",
    }
    _record(request, report, sha256, context["file_says"])
    return render(request, "review/verify.html", context)


def _record(request: HttpRequest, report: Report | None, sha256: str, says: str) -> None:
    matches = report is not None and (not sha256 or bool(says))
    record(
        action="report.verified",
        actor=request.user,
        obj=report,
        case_id=report.case.public_id if report else None,
        outcome=Outcome.DONE if matches else Outcome.FAILED,
        file=bool(sha256),
    )
