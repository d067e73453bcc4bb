"""Pictures on disk and in S3 behave alike: written once, read back, never believed unhashed."""

import errno
import hashlib
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from patients import storage
from tests.images.conftest import s3_options

DATA = b"\x89PNG picture" * 50
SHA = hashlib.sha256(DATA).hexdigest()


def stored() -> str:
    key = storage.new_key("images", ".png")
    storage.write_once(key, DATA, sha256=SHA)
    return key


def test_keys_cannot_be_guessed_and_say_nothing():
    keys = {storage.new_key("images", ".png") for _ in range(1000)}
    assert len(keys) == 1000
    one = keys.pop()
    folder, shard, name = one.split("/")
    assert (folder, shard) == ("images", name[:2])
    assert len(name) == 32 + len(".png")


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [("../x", ".png"), ("", ".png"), ("a", "png"), ("a", "./x"), ("A b", ".p")],
)
def test_odd_prefixes_are_a_mistake(prefix: str, suffix: str):
    with pytest.raises(ValueError, match="not a prefix"):
        storage.new_key(prefix, suffix)


@pytest.mark.parametrize(
    "key", ["../etc/passwd", "/etc/passwd", "a/../../b", "a//..", "", "a\0b", "."]
)
def test_odd_keys_are_a_mistake(any_store, key: str):
    for use in (
        lambda: storage.read_verified(key, sha256=SHA),
        lambda: storage.write_once(key, DATA, sha256=SHA),
        lambda: storage.delete(key),
        lambda: storage.signed_url(key, content_type="image/png"),
    ):
        with pytest.raises(ValueError, match="not a key"):
            use()


def test_what_is_written_is_read(any_store):
    key = stored()
    assert storage.read_verified(key, sha256=SHA) == DATA


def test_writing_the_same_again_is_quiet(any_store):
    key = stored()
    storage.write_once(key, DATA, sha256=SHA)
    assert list(storage.list_keys("images")) == [key]


def test_nothing_is_ever_overwritten(any_store):
    key = stored()
    with pytest.raises(storage.KeyTaken):
        storage.write_once(key, b"other", sha256=hashlib.sha256(b"other").hexdigest())
    assert storage.read_verified(key, sha256=SHA) == DATA


def test_a_wrong_hash_is_a_mistake(any_store):
    with pytest.raises(ValueError, match="stated hash"):
        storage.write_once(storage.new_key("images", ".png"), DATA, sha256="0" * 64)
    assert not list(storage.list_keys("images"))


def test_a_missing_picture_says_so(any_store):
    with pytest.raises(storage.PictureMissing):
        storage.read_verified(storage.new_key("images", ".png"), sha256=SHA)


def test_a_deleted_picture_is_gone_and_may_be_deleted_again(any_store):
    key = stored()
    storage.delete(key)
    storage.delete(key)
    with pytest.raises(storage.PictureMissing):
        storage.read_verified(key, sha256=SHA)


def test_a_changed_file_is_not_used(local_store: Path):
    key = stored()
    (local_store / key).write_bytes(DATA[:-1] + b"x")
    with pytest.raises(storage.PictureDamaged):
        storage.read_verified(key, sha256=SHA)


def test_a_changed_object_is_not_used(s3_store):
    client, bucket = s3_store
    key = stored()
    client.put_object(Bucket=bucket, Key=f"pictures/{key}", Body=b"x")
    with pytest.raises(storage.PictureDamaged):
        storage.read_verified(key, sha256=SHA)


def test_the_list_has_keys_sizes_and_ages(any_store):
    keys = sorted(stored() for _ in range(5))
    storage.write_once("thumbs/x.jpg", DATA, sha256=SHA)
    found = list(storage.list_stored("images"))
    assert sorted(one.key for one in found) == keys
    assert {one.size for one in found} == {len(DATA)}
    assert all(abs(one.modified - datetime.now(UTC)) < timedelta(minutes=1) for one in found)
    assert list(storage.list_keys("thumbs")) == ["thumbs/x.jpg"]
    assert list(storage.list_keys("nothing")) == []


# On disk ----------------------------------------------------------------------------------------


def test_a_local_picture_has_a_path_and_no_address(local_store: Path):
    key = stored()
    assert storage.signed_url(key, content_type="image/png") is None
    assert storage.local_path(key) == local_store / key


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_full_disk_leaves_nothing_behind(local_store: Path, monkeypatch, call: str):
    stored()
    before = sorted(path for path in local_store.rglob("*") if path.is_file())

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(storage.StorageUnavailable, match="try again"):
        storage.write_once(storage.new_key("images", ".png"), DATA, sha256=SHA)
    monkeypatch.undo()
    assert sorted(path for path in local_store.rglob("*") if path.is_file()) == before


def test_a_disk_that_lies_is_noticed(local_store: Path, monkeypatch):
    """What is read back differs from what was written."""
    real = hashlib.sha256
    answers = iter([real(DATA), real(b"rot")])
    monkeypatch.setattr(storage.hashlib, "sha256", lambda _data: next(answers))
    with pytest.raises(storage.StorageUnavailable):
        storage.write_once(storage.new_key("images", ".png"), DATA, sha256=SHA)
    monkeypatch.undo()
    assert not list(storage.list_keys("images"))


def test_a_half_written_file_shows_in_the_list(local_store: Path):
    """A crash between writing and renaming: the sweep must be able to find and delete it."""
    key = stored()
    left = f"{key}.new-0123abcd"
    (local_store / left).write_bytes(b"half")
    assert sorted(storage.list_keys("images")) == sorted([key, left])
    storage.delete(left)
    assert list(storage.list_keys("images")) == [key]


def test_the_name_and_its_directories_are_synced(local_store: Path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(
        os,
        "fsync",
        lambda fd: (synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())), real(fd)),
    )
    key = stored()
    folders = [str(folder) for folder in (local_store / key).parents]
    assert folders[0] in synced  # the rename
    assert folders[1] in synced  # the new shard directory
    assert any(".new-" in name for name in synced)


# In S3 ------------------------------------------------------------------------------------------


def test_a_signed_address_serves_with_our_type_and_expires(s3_store):
    key = stored()
    url = storage.signed_url(
        key, expires=60, content_type="image/png", filename='smear "1"\r\nX: y é.png'
    )
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    assert query["X-Amz-Expires"] == ["60"]
    with urllib.request.urlopen(url) as response:
        assert response.read() == DATA
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["Content-Disposition"].startswith("inline;")
        assert "X" not in response.headers
        assert "no-store" in response.headers["Cache-Control"]


def test_the_object_has_its_type(s3_store):
    client, bucket = s3_store
    key = stored()
    assert client.head_object(Bucket=bucket, Key=f"pictures/{key}")["ContentType"] == "image/png"
    assert storage.local_path(key) is None


@pytest.mark.parametrize("what", ["closed port", "no bucket"])
def test_a_store_out_of_reach_says_so_soon(s3_endpoint: str, what: str):
    endpoint = "http://127.0.0.1:9" if what == "closed port" else s3_endpoint
    store = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": s3_options(endpoint, "no-such-bucket"),
    }
    key = storage.new_key("images", ".png")
    with override_settings(STORAGES={**settings.STORAGES, "default": store}):
        started = time.monotonic()
        for use in (
            lambda: storage.write_once(key, DATA, sha256=SHA),
            lambda: storage.read_verified(key, sha256=SHA),
            lambda: storage.delete(key),
            lambda: list(storage.list_keys("images")),
        ):
            with pytest.raises(storage.StorageUnavailable, match="try again"):
                use()
        assert time.monotonic() - started < 60


@pytest.mark.slow
def test_many_objects_are_listed_over_several_pages(s3_store):
    client, bucket = s3_store
    for number in range(1005):
        client.put_object(Bucket=bucket, Key=f"pictures/images/{number:04d}.png", Body=b"")
    assert len(list(storage.list_keys("images"))) == 1005


def test_the_settings_limits_win_over_ours(s3_endpoint: str):
    from botocore.config import Config
    from django.core.files.storage import storages

    options = {**s3_options(s3_endpoint, "any"), "client_config": Config(read_timeout=99)}
    store = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    with override_settings(STORAGES={**settings.STORAGES, "default": store}):
        storage.signed_url("images/a.png", content_type="image/png")
        used = storages["default"].connection.meta.client.meta.config
        assert (used.read_timeout, used.connect_timeout) == (99, 3)
