"""What beat starts, and the bell that a fact rings itself. Safe to run twice and at the same time."""

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
