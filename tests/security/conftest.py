import pytest

from tests.security.world import World, make_world


@pytest.fixture
def world(db, quick_passwords, settings, tmp_path) -> World:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return make_world()
