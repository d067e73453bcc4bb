import pytest


@pytest.fixture(autouse=True)
def _quick_passwords(quick_passwords) -> None:
    """Argon2 takes its time on purpose; these tests make many people and check no password."""
