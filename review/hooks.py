"""Where the parts of review meet: called inside the caller's transaction, once the fact stands."""

from accounts.models import User
from review.models import Reading, Report


def report_final(*, report: Report) -> None:
    """A report has the last signature that it needs."""


def report_awaits(*, report: Report) -> None:
    """A report has its first signature and waits for the second."""


def report_returned(*, report: Report, by: User) -> None:
    """The second signer gave a report back unsigned."""


def opinion_asked(*, reading: Reading) -> None:
    """A colleague is asked for a second opinion."""


def opinion_given(*, reading: Reading) -> None:
    """The colleague is done."""


def case_handed_over(*, reading: Reading, to: User) -> None:
    """A case has another reader now."""
