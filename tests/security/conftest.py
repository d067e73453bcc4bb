import pytest

from tests.security.world import World, make_world


@pytest.fixture
def quick_passwords(settings):
    """Argon2 takes its time on purpose; tests that make ten people do not need it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def world(db, quick_passwords, settings, tmp_path) -> World:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return make_world()
