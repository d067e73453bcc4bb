"""What beat starts, and the bell that a fact rings itself. Safe to run twice and at the same time."""

from classifier.dispatch import send_upkeep
from review import nightly
from review.notices.mail import mail_run
from review.services.critical import critical_escalate
from telemed.tasks import upkeep


@upkeep(name="review.tasks.mail_notices")
def mail_notices() -> None:
    """Send the e-mail that is due."""
    mail_run()


@upkeep(name="review.tasks.escalate_critical")
def escalate_critical() -> None:
    """Tell more people of critical results that nobody acknowledged in time."""
    critical_escalate()


@upkeep(name="review.tasks.verify_reports")
def verify_reports(*, after: int = 0) -> None:
    """The nightly look at signed reports, in slices that a stat case need not wait for."""
    further = nightly.check_slice(after=after)
    if further is not None:
        send_upkeep(verify_reports, after=further)
