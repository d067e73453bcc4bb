import pytest


@pytest.fixture(autouse=True)
def _quick_passwords(quick_passwords) -> None:
    """Argon2 takes its time on purpose; what is tried here is not its strength."""
