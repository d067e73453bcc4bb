"""A web server killed in the middle of a sign-off: everything of it, or nothing (F19e)."""

import signal
import sys

from audit.models import AuditEvent
from patients.choices import CaseStatus
from review.choices import ReportState
from review.models import CriticalResult, Notice, Report, Signature
from review.reports.checks import differences
from tests.review.real_case import pictured_case
from tests.review.signed import ready_to_sign
from tests.servers.sign import PLACES
from tests.servers.worker import Process

TIMES = 4  # at each of five places


def sign(lab, case, place: str) -> int:
    """The exit status of the process that signs."""
    command = [sys.executable, "-m", "tests.servers.sign", str(case.pk), place]
    process = Process(command, log=lab.directory / "sign.log", environment=lab.environment)
    lab.processes.append(process)
    return process.process.wait(timeout=90)


def test_a_sign_off_killed_anywhere_is_not_there_and_may_be_done_again(lab):
    # A blast is critical: people would have been told.
    case = pictured_case(lab.people.clinician, ["neutrophil"] * 5, abstained=[2])
    ready_to_sign(lab.people, case)
    written = (Report, Signature, Notice, CriticalResult, AuditEvent)
    before = [model.objects.count() for model in written]
    for place in PLACES:
        for _ in range(TIMES):
            assert sign(lab, case, place) == -signal.SIGKILL, lab.log("sign")[-3000:]
            assert [model.objects.count() for model in written] == before, place
            case.refresh_from_db()
            assert (case.status, case.reader) == (CaseStatus.IN_REVIEW, lab.people.specialist)
            lab.all_hold()

    assert sign(lab, case, "nowhere") == 0, lab.log("sign")[-3000:]
    report = Report.objects.get()
    case.refresh_from_db()
    assert (report.state, case.status) == (ReportState.FINAL, CaseStatus.SIGNED)
    assert differences(report) == []
    assert CriticalResult.objects.count() == 1
    lab.all_hold()
