"""A database that went away is worth another try; a statement of ours that it refuses is not."""

import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError
from django.db.utils import DataError, ProgrammingError

from patients.api.answers import _from_transport
from telemed.database import went_away


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError, DatabaseError])
def test_it_went_away(kind):
    error = kind("server closed the connection unexpectedly")
    assert went_away(error)
    answer = _from_transport(error)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize("kind", [IntegrityError, ProgrammingError, DataError, ValueError])
def test_it_is_there_and_says_no(kind):
    error = kind("no")
    assert not went_away(error)
    assert _from_transport(error) is None
