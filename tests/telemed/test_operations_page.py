"""docs/operations.md against the code: no variable unexplained, none invented."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
# Of the tests and benchmarks, and of nobody who runs the product.
FOR_TESTS = {"TELEHEME_TEST_SHAPE", "TELEHEME_DATA", "TELEHEME_REQUIRE_DATA"}


def read_by_the_code() -> set[str]:
    apps = ("telemed", "accounts", "audit", "patients", "classifier", "ml")
    found = {"DATABASE_URL"}
    for app in apps:
        for path in (ROOT / app).rglob("*.py"):
            found |= set(re.findall(r"\"(TELEHEME_[A-Z0-9_]+)\"", path.read_text()))
    return found


def test_every_variable_is_explained():
    table = PAGE[PAGE.index("## Every environment variable") : PAGE.index("## Production on one")]
    assert read_by_the_code() - FOR_TESTS <= set(re.findall(r"`([A-Z][A-Z0-9_]+)`", table))


def test_no_variable_is_invented():
    named = set(re.findall(r"`(TELEHEME_[A-Z0-9_]+)`", PAGE))
    assert named - FOR_TESTS <= read_by_the_code()


def test_every_command_that_is_named_exists():
    from django.core.management import get_commands

    commands = set(re.findall(r"manage\.py ([a-z_]+)", PAGE))
    assert commands
    assert commands <= set(get_commands())
