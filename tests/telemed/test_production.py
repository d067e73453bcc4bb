"""Production mode: what it refuses, each proven in a real process, and that good settings pass."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "TELEHEME_MODE": "production",
    "TELEHEME_SECRET_KEY": "k3y-of-this-test-0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijk",
    "TELEHEME_HOSTS": "heme.example.org",
    "TELEHEME_BASE_URL": "https://heme.example.org",
    "TELEHEME_BROKER_URL": "rediss://:secret@queue.example.org:6379/0",
    "DATABASE_URL": "postgres://teleheme:secret@db.example.org/teleheme",
    "TELEHEME_S3_BUCKET": "pictures",
    "TELEHEME_S3_PUBLIC_ORIGIN": "https://files.example.org",
    "TELEHEME_SMTP_HOST": "smtp.example.org",
}


def check(*options: str, **changes: str) -> subprocess.CompletedProcess:
    """``manage.py check`` with the good settings and these changes; an empty value unsets."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TELEHEME_") and name != "DATABASE_URL"
    }
    return subprocess.run(
        [sys.executable, "manage.py", "check", *options],
        cwd=ROOT,
        env=kept | GOOD | changes,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_good_settings_pass_every_deployment_check():
    done = check("--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"TELEHEME_DEBUG": "1"}, "TELEHEME_DEBUG is on"),
        ({"TELEHEME_SECRET_KEY": ""}, "TELEHEME_SECRET_KEY is missing"),
        ({"TELEHEME_SECRET_KEY": "django-insecure-" + "a1b2c3d4e5" * 6}, "an example"),
        ({"TELEHEME_SECRET_KEY": "a" * 80}, "TELEHEME_SECRET_KEY is missing, short"),
        ({"TELEHEME_HOSTS": ""}, "TELEHEME_HOSTS must name"),
        ({"TELEHEME_HOSTS": "*"}, "any host is not accepted"),
        ({"TELEHEME_HOSTS": "heme.example.org,.example.org"}, "any host is not accepted"),
        ({"TELEHEME_BASE_URL": ""}, "TELEHEME_BASE_URL must be the https address"),
        ({"TELEHEME_BASE_URL": "http://heme.example.org"}, "must be the https address"),
        ({"TELEHEME_BASE_URL": "https://other.example.org"}, "not in TELEHEME_HOSTS"),
        ({"TELEHEME_ORIGINS": "http://heme.example.org"}, "TELEHEME_ORIGINS holds"),
        ({"TELEHEME_BROKER_URL": "redis://queue:6379/0"}, "TELEHEME_BROKER_URL has no password"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing or not PostgreSQL"),
        ({"DATABASE_URL": "sqlite:////srv/x.sqlite3"}, "missing or not PostgreSQL"),
        ({"DATABASE_URL": "postgres://teleheme@db/teleheme"}, "DATABASE_URL has no password"),
        ({"TELEHEME_S3_BUCKET": ""}, "Neither TELEHEME_S3_BUCKET nor TELEHEME_DATA_DIR"),
        ({"TELEHEME_S3_PUBLIC_ORIGIN": ""}, "TELEHEME_S3_PUBLIC_ORIGIN must be"),
        ({"TELEHEME_SMTP_HOST": ""}, "TELEHEME_SMTP_HOST is missing"),
        ({"TELEHEME_MODE": "prod"}, "TELEHEME_MODE is local or production"),
    ],
    ids=lambda value: "-".join(f"{k}={v[:20]}" for k, v in value.items()) if isinstance(value, dict) else "",
)  # fmt: skip
def test_production_refuses(changes, reason):
    done = check(**changes)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret@" not in done.stderr, "a refusal must not print a password"


def test_every_reason_is_named_at_once():
    done = check(TELEHEME_DEBUG="1", TELEHEME_HOSTS="*", TELEHEME_SMTP_HOST="")
    for words in ("TELEHEME_DEBUG", "TELEHEME_HOSTS", "TELEHEME_SMTP_HOST"):
        assert words in done.stderr


def test_pictures_may_lie_on_a_named_volume(tmp_path):
    done = check(
        TELEHEME_S3_BUCKET="", TELEHEME_S3_PUBLIC_ORIGIN="", TELEHEME_DATA_DIR=str(tmp_path)
    )
    assert done.returncode == 0, done.stderr


def test_a_queue_server_on_a_unix_socket_needs_no_password():
    done = check(TELEHEME_BROKER_URL="redis+socket:///run/valkey.sock")
    assert done.returncode == 0, done.stderr
