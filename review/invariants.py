"""I5: what was signed still is what was signed. Part of ``manage.py verify_invariants``."""

from collections.abc import Callable

from django.db.models import Count, Q

from classifier.invariants import Finding
from patients.choices import CaseStatus
from patients.models import Case
from review.choices import ReportState
from review.models import Report
from review.reports.checks import differences

Tick = Callable[[], None]


def signed(files: bool, tick: Tick) -> Finding:
    """Every report against its content, signatures, verdicts and, with ``files``, pictures and PDF."""
    finding = Finding(
        "I5", "Every signed report is what was signed, and signed as often as it needs"
    )
    for report in Report.objects.select_related("case", "amends").order_by("pk").iterator(100):
        finding.checked += 1
        for sentence in differences(report, files=files):
            finding.breaks(f"report {report.public_id}: {sentence}")
        tick()
    _cases(finding)
    return finding


def _cases(finding: Finding) -> None:
    final = Count("reports", filter=Q(reports__state=ReportState.FINAL))
    cases = Case.objects.order_by().annotate(final=final)
    for case in cases.filter(status=CaseStatus.SIGNED).exclude(final=1):
        finding.breaks(f"case {case.public_id}: signed with {case.final} reports in force")
    withdrawn = cases.filter(status=CaseStatus.WITHDRAWN, final__gt=0)
    for case in withdrawn:
        finding.breaks(f"case {case.public_id}: withdrawn with a report in force")
