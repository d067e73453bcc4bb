"""The nightly check of the invariants, cut into slices."""

import logging
from typing import Any

import audit.services as audit
from audit.models import Outcome
from classifier.invariants import Finding, verify, verify_pictures

log = logging.getLogger(__name__)

SLICE = 300  # pictures read again in one task: a few seconds


def check_slice(*, after: int) -> int | None:
    """Check everything in the database (first slice) and the next pictures; where to go on.

    Violations are logged as errors and recorded in the audit, which the operations page shows.
    """
    findings = verify(files=False) if after == 0 else []
    pictures, further = verify_pictures(after=after, limit=SLICE)
    _tell([*findings, pictures], last=further is None)
    return further


def _tell(findings: list[Finding], *, last: bool) -> None:
    broken: dict[str, Any] = {
        finding.code: finding.broken for finding in findings if finding.broken
    }
    for finding in findings:
        for example in finding.examples:
            log.error("invariant %s broken: %s", finding.code, example)
    if broken:
        audit.record(action="invariants.violated", outcome=Outcome.FAILED, **broken)
    elif last:
        audit.record(action="invariants.checked")
