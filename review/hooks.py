"""Where the parts of review meet: called inside the caller's transaction, once the fact stands."""

from django.db import transaction

from accounts.models import User
from review.models import Reading, Report
from review.notices import events
from review.services.critical import critical_raise


@transaction.atomic
def report_final(*, report: Report) -> None:
    """A report has the last signature that it needs."""
    critical_raise(report=report)
    events.report_signed(report)


def report_awaits(*, report: Report) -> None:
    """A report has its first signature and waits for the second."""
    events.report_awaits(report)


def report_returned(*, report: Report, by: User) -> None:
    """The second signer gave a report back unsigned."""
    events.report_returned(report, by=by)


def opinion_asked(*, reading: Reading) -> None:
    """A colleague is asked for a second opinion."""
    events.opinion_asked(reading)


def opinion_given(*, reading: Reading) -> None:
    """The colleague is done."""
    events.opinion_given(reading)


def case_handed_over(*, reading: Reading, to: User) -> None:
    """A case has another reader now."""
    events.case_handed_over(reading, to=to)
