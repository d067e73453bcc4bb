"""A registered model with the tests' engine, and a broker that only writes down what it is given."""

from pathlib import Path

import pytest

from classifier import dispatch, loading
from classifier.registry import model_activate, model_register
from tests.servers import engine


@pytest.fixture(autouse=True)
def _own_store_and_models(settings, tmp_path: Path):
    settings.DATA_DIR = tmp_path
    settings.MODEL_DIRS = [tmp_path / "models"]
    settings.CLASSIFIER_RUNTIME = "tests.servers.engine.load_model"
    settings.CLASSIFIER_FITNESS = "tests.servers.engine.require_fit"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media"},
        },
    }
    loading.forget()
    dispatch.forget_silence()


@pytest.fixture
def no_model(people, tmp_path: Path) -> Path:
    """A model directory that is not registered yet."""
    return engine.write_model(tmp_path / "models")


@pytest.fixture
def model(no_model: Path):
    """The active model version."""
    return model_activate(version=model_register(directory=no_model))


@pytest.fixture
def sent(monkeypatch) -> list[dispatch.Message]:
    """The messages that a broker would have got."""
    messages: list[dispatch.Message] = []

    class Producer:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(dispatch, "_Producer", Producer)
    monkeypatch.setattr(dispatch, "_send", lambda _, message: messages.append(message))
    monkeypatch.setattr(
        dispatch, "messages_waiting", lambda queues: dict.fromkeys(queues, 0), raising=True
    )
    monkeypatch.setattr("classifier.sweep.messages_waiting", dispatch.messages_waiting)
    return messages
