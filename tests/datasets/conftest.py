"""An empty store, an empty place to unpack in, and quick passwords."""

import pytest


@pytest.fixture(autouse=True)
def store(settings, tmp_path, quick_passwords):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media"},
        },
    }
    settings.DATASET_WORK_DIR = tmp_path / "work"
    return tmp_path / "media"


@pytest.fixture
def browser(client, people):
    """The administrator's."""
    client.force_login(people.administrator)
    return client
