"""The nightly look at what was signed, with its pictures and PDFs, in slices."""

import logging

import audit.services as audit
from audit.models import Outcome
from review.models import Report
from review.reports.checks import differences

log = logging.getLogger(__name__)

SLICE = 20  # reports in one task: of a hundred pictures each, some seconds


def check_slice(*, after: int) -> int | None:
    """Check the next reports by primary key, every file read again; where to go on (None: done)."""
    reports = list(
        Report.objects.filter(pk__gt=after).select_related("case", "amends").order_by("pk")[:SLICE]
    )
    broken = 0
    for report in reports:
        for sentence in differences(report):
            broken += 1
            log.error("invariant I5 broken: report %s: %s", report.public_id, sentence)
    if broken:
        audit.record(action="invariants.violated", outcome=Outcome.FAILED, I5=broken)
    return reports[-1].pk if len(reports) == SLICE else None
