"""What can go wrong in the workflow: each error is a sentence for the person who caused it."""


class DomainError(Exception):
    """A rule of the house said no. Nothing was changed.

    ``code`` is stable for machines; ``str(error)`` is the sentence shown to people.
    """

    code = "refused"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class MoveRefused(DomainError):
    """The case is not in a status from which this is allowed."""

    code = "move_refused"


class StaleEdit(DomainError):
    """Somebody else saved the case since this form was opened."""

    code = "stale"


class KeyReused(DomainError):
    """An idempotency key came back with another body."""

    code = "key_reused"


class QuotaReached(DomainError):
    """The case holds as many pictures as a case may."""

    code = "quota"


class PatientExists(DomainError):
    """The organisation has a patient with this MRN already."""

    code = "mrn_taken"
