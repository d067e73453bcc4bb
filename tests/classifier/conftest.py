"""Models of an installation, and its administrators."""

import shutil

import pytest

from accounts.models import Role
from classifier import examination
from classifier.registry import model_activate, model_register
from tests import factories
from tests.servers.candidates import write_candidate


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Three model directories that are as good as each other."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("first", "second", "third")):
        write_candidate(folder / name, seed=seed)
    return folder


@pytest.fixture
def folder(made, tmp_path, settings):
    """The models of this installation; a test may do with them what it likes."""
    copy = shutil.copytree(made, tmp_path / "models")
    settings.MODEL_DIRS = [copy]
    return copy


@pytest.fixture
def first(folder, db):
    """The active one."""
    return model_activate(version=model_register(directory=folder / "first"))


@pytest.fixture
def second(first, folder):
    return model_register(directory=folder / "second")


@pytest.fixture
def quick(monkeypatch):
    """Without the two children, for tests of what comes after them; the names of those asked."""
    asked = []

    def fit(directory, **_):
        asked.append(directory.name)
        return 0.0

    monkeypatch.setattr(examination, "require_fit", fit)
    monkeypatch.setattr(examination, "rates", lambda directories: [20.0] * len(directories))
    return asked


@pytest.fixture
def administrator(people):
    return people.administrator


@pytest.fixture
def colleague(people):
    return factories.make_user(Role.ADMINISTRATOR, people.centre)
