import pytest

from tests.training.sets import ready_set
from training.services import training_start

OPTIONS = {"views": 0, "epochs": 2}


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """No broker: what rings is counted."""
    rung = []
    monkeypatch.setattr("training.bell.ring_for", lambda job: rung.append(job.pk) or True)
    return rung


@pytest.fixture
def data_set(db):
    return ready_set()


@pytest.fixture
def start(data_set, people):
    """``start(name="one", **options)`` queues a run."""

    def start_(name="one", **options):
        return training_start(
            actor=people.administrator,
            kind="transfer",
            data_sets=[data_set],
            options={**OPTIONS, **options},
            model_id=name,
        )

    return start_


@pytest.fixture
def registered(db):
    """A model version without files."""
    from classifier.models import ModelVersion

    return ModelVersion.objects.create(
        model_id="registered", manifest_sha256="a" * 64, precision="f32", manifest={}
    )
