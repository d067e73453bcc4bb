"""What data sets refuse, each a sentence for people."""

from patients.errors import DomainError


class SetRefused(DomainError):
    """Nothing was changed; the sentence says why."""

    code = "data_set_refused"
