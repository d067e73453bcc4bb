import pytest


@pytest.fixture(autouse=True)
def _quick_passwords(settings) -> None:
    """Argon2 takes its time on purpose; what is tried here is not its strength."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def sign_in(client):
    """``sign_in(user)``: the client, signed in as this person."""

    def _sign_in(user):
        client.force_login(user)
        return client

    return _sign_in
