"""Health for machines: alive, and ready for work."""

import pytest
from django.db import DatabaseError

from telemed import health


@pytest.fixture
def model(db):
    from classifier.choices import ModelState
    from classifier.models import ModelVersion

    return ModelVersion.objects.create(
        model_id="m",
        manifest_sha256="0" * 64,
        precision="f32",
        manifest={},
        state=ModelState.ACTIVE,
    )


def test_live_answers_without_a_database(client):
    answer = client.get("/health/live")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


def test_ready_when_everything_that_decides_works(client, model):
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {
            "database": "ok",
            "migrations": "ok",
            "storage": "ok",
            "model": "ok",
            "queue": "unreachable",  # reported; uploads do not need it
        },
    }


def test_not_ready_without_an_active_model(client, db):
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["model"] == "none active"


def test_not_ready_with_a_pending_migration(client, model, monkeypatch):
    monkeypatch.setattr(health, "_known_migrations", lambda: frozenset({("accounts", "9999_new")}))
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "pending"


def test_a_migration_of_newer_code_does_not_matter(client, model, monkeypatch):
    monkeypatch.setattr(
        health, "_known_migrations", lambda: frozenset({("accounts", "0001_initial")})
    )
    assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("part", ["database", "storage"])
def test_what_fails_is_one_word_and_its_reason_stays_in_the_log(
    client, model, monkeypatch, caplog, part
):
    def broken() -> str:
        raise DatabaseError("password=hunter2 at 10.0.0.7")

    monkeypatch.setattr(health, f"_{part}", broken)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"][part] == "unreachable"
    assert "hunter2" not in answer.content.decode()
    assert "hunter2" in caplog.text


def test_only_reading_is_allowed(client, db):
    assert client.post("/health/ready").status_code == 405
    assert client.post("/health/live").status_code == 405
