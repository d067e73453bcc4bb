"""What every test may ask for: people of each role, patients, cases, and the real images."""

import os
from pathlib import Path

import pytest
from django.db import connection
from django.test import TransactionTestCase

from tests import factories

# Left out of make test-fast, besides what is marked slow: each needs a network, many requests, many
# at once, other programs, or real pictures.
SLOW = (
    "tests/ml",
    "tests/accounts/test_people.py",
    "tests/accounts/test_settings.py",
    "tests/classifier/test_promotion_gate.py",
    "tests/classifier/test_registry_fit.py",
    "tests/classifier/test_shadow_unseen.py",
    "tests/datasets/test_signed.py",
    "tests/inference/test_golden.py",
    "tests/patients/test_at_once.py",
    "tests/review/test_report_pdf.py",
    "tests/review/test_signing_at_once.py",
    "tests/review/test_verify.py",
    "tests/security/test_access.py",
    "tests/security/images",
    "tests/security/models",
    "tests/security/test_headers.py",
    "tests/security/test_login.py",
    "tests/security/test_text.py",
    "tests/inference/test_classify_command.py",
    "tests/inference/test_locate.py",
    "tests/inference/test_locate_data.py",
    "tests/inference/test_locator_engine.py",
    "tests/inference/test_shipped.py",
    "tests/images/test_pool.py",
    "tests/images/test_rebuild.py",
    "tests/images/test_storage.py",
    "tests/telemed/test_deployment.py",
    "tests/telemed/test_health.py",
    "tests/telemed/test_production.py",
)

# Touches neither database nor store: once is enough.
ALIKE = (
    "tests/review/test_agreement.py",
    "tests/review/test_differential_view.py",
    "tests/review/test_flags.py",
    "tests/review/test_hues.py",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        if item.nodeid.startswith(ALIKE):
            item.add_marker(pytest.mark.local_shape)


def pytest_make_parametrize_id(val, argname):
    """The same name in every process: a zip file made while collecting holds the time."""
    if isinstance(val, bytes) or (isinstance(val, str) and len(val) > 80):
        return argname
    return None


@pytest.fixture(autouse=True)
def _plain_static_files(settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(autouse=True, scope="session")
def _append_only_tables_can_be_emptied():
    """Tests that commit end with a flush, which the append-only triggers would refuse."""
    from audit import triggers
    from review import triggers as review_triggers

    teardown = TransactionTestCase._fixture_teardown

    def without_triggers(self):
        for each in (triggers, review_triggers):
            each.remove(connection)
        try:
            teardown(self)
        finally:
            for each in (triggers, review_triggers):
                each.install(connection)

    TransactionTestCase._fixture_teardown = without_triggers
    yield
    TransactionTestCase._fixture_teardown = teardown


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images (``TELEHEME_DATA``); skipped without it, failed where required."""
    folder = os.environ.get("TELEHEME_DATA", "")
    if folder and Path(folder, "pbc", "manifest.csv").is_file():
        return Path(folder)
    reason = "TELEHEME_DATA does not name a folder with pbc/manifest.csv"
    if os.environ.get("TELEHEME_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def people(db) -> factories.People:
    """A referring clinic and a reading centre with one person per role, and an outsider's clinic."""
    return factories.make_people()


@pytest.fixture
def quick_passwords(settings) -> None:
    """Argon2 takes its time on purpose; of use where its strength is not what is tried."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def sign_in(client):
    """``sign_in(user)``: the client, signed in as this person."""

    def _sign_in(user):
        client.force_login(user)
        return client

    return _sign_in
