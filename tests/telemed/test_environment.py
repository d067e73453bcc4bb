"""Reading the environment."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured

from telemed import environment


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("1", True), ("TRUE", True), ("on", True), ("0", False), ("no", False), ("", False)],
)
def test_a_flag_reads_as_people_write_it(monkeypatch, raw, expected):
    monkeypatch.setenv("X_FLAG", raw)
    assert environment.flag("X_FLAG") is expected


def test_a_flag_that_is_neither_is_refused(monkeypatch):
    monkeypatch.setenv("X_FLAG", "maybe")
    with pytest.raises(ImproperlyConfigured, match="X_FLAG must be 1 or 0"):
        environment.flag("X_FLAG")


def test_a_number_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("X_NUMBER", "eight")
    with pytest.raises(ImproperlyConfigured, match="X_NUMBER must be a whole number"):
        environment.number("X_NUMBER", default=1)


@pytest.mark.parametrize("raw", ["half", "-0.1", "1.5", "nan"])
def test_a_fraction_that_is_none_is_refused(monkeypatch, raw):
    monkeypatch.setenv("X_FRACTION", raw)
    with pytest.raises(ImproperlyConfigured, match="X_FRACTION must be a number from 0 to 1"):
        environment.fraction("X_FRACTION", default=0.5)


def test_a_fraction_is_read_or_the_default(monkeypatch):
    assert environment.fraction("X_FRACTION", default=0.5) == 0.5
    monkeypatch.setenv("X_FRACTION", "0.01")
    assert environment.fraction("X_FRACTION", default=0.5) == 0.01


def test_the_queue_socket_fits_the_limit_of_unix_sockets(tmp_path):
    short, long = tmp_path / "d", tmp_path / ("y" * 120)
    assert environment.local_socket(short).parent == short
    assert len(str(environment.local_socket(long))) <= environment.SOCKET_PATH_LIMIT
    assert environment.local_socket(long) != environment.local_socket(long / "other")


def test_the_secret_key_is_made_once_and_is_its_owners_alone(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: environment.local_secret_key(tmp_path / "data"), range(40)))
    final = environment.local_secret_key(tmp_path / "data")
    assert final in keys
    assert len(final) >= 50
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]


def test_a_data_directory_that_cannot_be_used_still_gives_a_key(tmp_path):
    (tmp_path / "file").write_text("")
    assert len(environment.local_secret_key(tmp_path / "file")) >= 50
    assert len(environment.local_secret_key(tmp_path / "file" / "below")) >= 50


@pytest.mark.parametrize("words", [["--data-dir", "a b"], ["--port", "1", "--data-dir=a b"]])
def test_quickstarts_data_directory_reaches_the_settings(monkeypatch, tmp_path, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEHEME_DATA_DIR", "before")
    environment.adopt_data_dir(["quickstart", *words])
    assert os.environ["TELEHEME_DATA_DIR"] == str(tmp_path / "a b")


def test_another_commands_option_of_that_name_is_its_own(monkeypatch):
    monkeypatch.setenv("TELEHEME_DATA_DIR", "before")
    environment.adopt_data_dir(["prepare_dataset", "--data-dir", "elsewhere"])
    assert os.environ["TELEHEME_DATA_DIR"] == "before"
