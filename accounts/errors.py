"""What the people pages may refuse: each error is a sentence for the administrator."""


class PeopleError(Exception):
    """A rule of the house said no. Nothing was changed; ``str(error)`` is shown as it is."""

    code = "refused"


class LastAdministrator(PeopleError):
    """Nobody would be left who can manage people."""

    code = "last_administrator"

    def __init__(self) -> None:
        super().__init__(
            "This would leave TeleHeme without an active administrator. Nothing was changed. "
            "Make somebody else an administrator first."
        )


class AddressTaken(PeopleError):
    """One e-mail address is one person."""

    code = "address_taken"


class NameTaken(PeopleError):
    """Two organisations with one name cannot be told apart."""

    code = "name_taken"
