"""Taking a signed case in hand again, and leaving its report as it is after all."""

from django.db import transaction

from accounts.models import User
from accounts.permissions import Action, allowed
from audit.services import record
from patients.choices import CaseStatus
from patients.errors import DomainError, MoveRefused
from patients.models import Case
from patients.services import case_move, case_reopen
from review.choices import ReportState
from review.current import primary_reading
from review.errors import NotYours
from review.models import Reading, Report, ReportDraft
from review.reports.content import basis_of, said
from review.reports.reading import content_of


@transaction.atomic
def amendment_begin(*, actor: User, case: Case) -> Reading:
    """A specialist takes a signed case to amend its report, which stays in force meanwhile.

    Doing it twice changes nothing. Raises MoveRefused, also where somebody else has it in hand.
    """
    if not allowed(actor, Action.AMEND_REPORT, case):
        raise NotYours("Only a specialist amends a report.")
    held = Case.objects.select_for_update().get(pk=case.pk)
    reading = primary_reading(held)
    if reading is None or not Report.objects.filter(case=held, state=ReportState.FINAL).exists():
        raise MoveRefused("There is no signed report to amend.")
    reading.case = case_reopen(actor=actor, case=held)
    return reading


@transaction.atomic
def amendment_stop(*, actor: User, case: Case) -> Case:
    """Leave the signed report as it is. Refused while a cell is called something else than in it.

    Raises NotYours unless the actor holds the case, MoveRefused where there is nothing to stop.
    """
    held = Case.objects.select_for_update().get(pk=case.pk)
    reading = primary_reading(held)
    report = Report.objects.filter(case=held, state=ReportState.FINAL).first()
    if report is None or reading is None or held.status == CaseStatus.SIGNED:
        raise MoveRefused("No amendment is under way.")
    if held.reader_id != actor.pk:
        raise NotYours("Somebody else is amending this report.")
    if Report.objects.filter(case=held, state=ReportState.AWAITING).exists():
        raise MoveRefused("The amended report waits for its second signature. Take it back first.")
    reading.case = held
    if said(basis_of(reading, reader=actor)) != said(content_of(report)):
        raise DomainError(
            f"The case is no longer as report version {report.version} says. Undo what was changed, "
            "or sign the amendment.",
            code="changed",
        )
    ReportDraft.objects.filter(case=held).delete()
    record(
        action="report.amendment_stopped",
        actor=actor,
        obj=report,
        case_id=held.public_id,
        version=report.version,
    )
    return case_move(case=held, to=CaseStatus.SIGNED, actor=actor)
