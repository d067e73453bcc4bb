"""What the clinic does with a report: opens it, and says whether it answered the question."""

from django.db import transaction

from accounts.models import Role, User
from accounts.permissions import who_opens
from audit.services import record
from patients.errors import MoveRefused
from patients.models import Case
from review.choices import NoticeKind, ReportState
from review.models import Feedback, Notice, Report, ReportReceipt
from review.notices.centre import mark_read
from review.notices.telling import notify

READ_WITH_THE_REPORT = (NoticeKind.REPORT_SIGNED, NoticeKind.REPORT_AMENDED, NoticeKind.FEEDBACK)


@transaction.atomic
def report_opened(*, actor: User, report: Report) -> ReportReceipt | None:
    """Somebody has the report before them: a receipt for the first time that a clinician of the
    referring organisation has, and the notices about it are read."""
    mark_read(
        Notice.objects.filter(recipient=actor, case=report.case_id, kind__in=READ_WITH_THE_REPORT)
    )
    if actor.role != Role.CLINICIAN or actor.organisation_id != report.case.organisation_id:
        return None
    receipt, _ = ReportReceipt.objects.get_or_create(report=report, reader=actor)
    return receipt


@transaction.atomic
def feedback_give(*, actor: User, report: Report, answered: str, body: str = "") -> Feedback:
    """A clinician says whether the report answered the question, and may change it.

    The signers are told of each new answer. Raises MoveRefused for a report that was replaced.
    """
    Case.objects.select_for_update().get(pk=report.case_id)
    held = Report.objects.select_for_update().select_related("case").get(pk=report.pk)
    if held.state != ReportState.FINAL:
        raise MoveRefused(
            "This version of the report was amended. Open the new one, and answer there."
        )
    before = Feedback.objects.filter(report=held, author=actor).first()
    if before is not None and (before.answered, before.body) == (answered, body):
        return before
    given, _ = Feedback.objects.update_or_create(
        report=held, author=actor, defaults={"answered": answered, "body": body}
    )
    event = record(
        action="report.answered",
        actor=actor,
        obj=held,
        case_id=held.case.public_id,
        answered=answered,
        changed=before is not None,
    )
    notify(
        kind=NoticeKind.FEEDBACK,
        recipients=User.objects.filter(
            who_opens(held.case), pk__in=held.signatures.values("signer")
        ),
        key=f"event:{event.sequence}",
        case=held.case,
        actor=actor,
    )
    return given
