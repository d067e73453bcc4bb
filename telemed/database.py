"""What a database that went away looks like."""

from django.db import DatabaseError, InterfaceError, OperationalError


def went_away(error: BaseException | None) -> bool:
    """Whether trying again later is right: the server, the session or the lock was not to be had.

    psycopg2 says OperationalError, InterfaceError or, where a server dies in the middle of an
    answer, DatabaseError itself; the other kinds below that are faults of ours.
    """
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError
