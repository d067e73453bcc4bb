"""Every picture is read once, whole or not at all, and remembered."""

import hashlib
import sqlite3
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.layouts.source import DatasetError
from ml.datasets import scan
from ml.datasets.scan import Scanner
from tests.ml import sets


@pytest.fixture
def scanner(tmp_path):
    return Scanner(tmp_path / "memory" / "looks.sqlite")


def claim(width, height):
    """A PNG of a few bytes that says it is that large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = [
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (head, data)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_what_a_look_holds(tmp_path, scanner):
    rgb = sets.picture(1)[:80]
    png, bmp = sets.save(tmp_path / "a.png", rgb), sets.save(tmp_path / "a.bmp", rgb)
    one, two = scanner.looks([png, bmp], "set")
    assert (one.width, one.height, one.size) == (96, 80, png.stat().st_size)
    assert one.sha256 == hashlib.sha256(png.read_bytes()).hexdigest()
    assert one.sha256 != two.sha256
    assert one.pixels == two.pixels, "the same picture in another file format"
    assert one.thumb.shape == (32, 32, 3)
    assert np.abs(one.thumb.mean(axis=(0, 1)) - rgb.mean(axis=(0, 1))).max() < 2, "RGB, not BGR"


def test_a_picture_that_cannot_be_used_is_a_sentence(tmp_path, scanner):
    jpeg = sets.save(tmp_path / "whole.jpg", sets.picture(1, 300)).read_bytes()
    png = sets.save(tmp_path / "whole.png", sets.picture(1, 300)).read_bytes()
    bad = {
        "empty.png": b"",
        "text.jpg": b"this is no picture",
        "torn.jpg": jpeg[: len(jpeg) // 2],
        "torn.png": png[: len(png) // 2],
        "huge.png": claim(60_000, 60_000),
        "large.png": claim(10_000, 10_000),
        "wide.png": claim(9_000, 7_000),
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    files = [tmp_path / name for name in (*bad, "absent.png", "whole.jpg")]
    *said, whole = scanner.looks(files, "set")
    reasons = dict(zip((*bad, "absent.png"), said, strict=True))
    assert reasons["empty.png"] == reasons["text.jpg"] == "it is no picture"
    assert reasons["torn.jpg"].startswith("it is broken")
    assert reasons["torn.png"].startswith("it is broken")
    assert reasons["huge.png"] == reasons["large.png"] == reasons["wide.png"]
    assert reasons["wide.png"] == "it has more than 60 megapixels"
    assert reasons["absent.png"] == "it cannot be read (No such file or directory)"
    assert whole.width == 300


def test_damage_anywhere_is_a_sentence_or_a_picture_and_never_an_error(tmp_path, scanner):
    rng = np.random.default_rng(3)
    files = []
    for ending in ("jpg", "png", "bmp", "tiff", "webp"):
        data = sets.save(tmp_path / f"whole.{ending}", 1).read_bytes()
        for number in range(60):
            spoiled = bytearray(data)
            for place in rng.integers(0, min(len(data), 400), 8):
                spoiled[place] = rng.integers(256)
            files.append(tmp_path / f"{number}.{ending}")
            files[-1].write_bytes(spoiled)
    looks = scanner.looks(files, "set")
    assert len(looks) == 300
    assert 30 < sum(isinstance(look, str) for look in looks) < 300


def test_a_page_of_postscript_is_no_picture_whatever_it_is_called(tmp_path, scanner):
    (tmp_path / "a.jpg").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    )
    assert scanner.looks([tmp_path / "a.jpg"], "set") == ["it is no picture"]


def test_odd_but_honest_pictures_are_read(tmp_path, scanner):
    grey = cv2.cvtColor(sets.picture(1), cv2.COLOR_RGB2GRAY)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    cv2.imwrite(str(tmp_path / "deep.png"), sets.picture(1).astype(np.uint16) * 257)
    Image.fromarray(sets.picture(1)).convert("CMYK").save(tmp_path / "cmyk.jpg")
    Image.fromarray(sets.picture(1)).convert("P").save(tmp_path / "palette.png")
    looks = scanner.looks(sorted(tmp_path.glob("*.*g")), "set")
    assert [look.width for look in looks] == [96] * 4


def test_what_was_read_is_not_read_again_unless_it_changed(tmp_path, scanner, monkeypatch):
    files = [sets.save(tmp_path / f"{seed}.png", seed) for seed in range(3)]
    (tmp_path / "bad.png").write_bytes(b"x")
    files.append(tmp_path / "bad.png")
    first = scanner.looks(files, "set")
    read = []
    look = scan._look
    monkeypatch.setattr(scan, "_look", lambda path: read.append(path.name) or look(path))
    again = scanner.looks(files, "set")
    assert read == []
    assert [getattr(x, "pixels", x) for x in again] == [getattr(x, "pixels", x) for x in first]
    assert (again[0].thumb == first[0].thumb).all()
    sets.save(files[1], 99)
    assert scanner.looks(files, "set")[1].pixels != first[1].pixels
    assert read == ["1.png"]


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, scanner, monkeypatch):
    files = [sets.save(tmp_path / f"{seed}.png", seed) for seed in range(10)]
    look, read = scan._look, []

    def stopped(path):
        if len(read) == 6:
            raise KeyboardInterrupt
        read.append(path)
        return look(path)

    monkeypatch.setattr(scan, "BLOCK", 2)
    monkeypatch.setattr(scan, "_look", stopped)
    with pytest.raises(KeyboardInterrupt):
        scanner.looks(files, "set")
    assert len(read) == 6
    later = []
    monkeypatch.setattr(scan, "_look", lambda path: later.append(path) or look(path))
    assert len(scanner.looks(files, "set")) == 10
    assert sorted(later) == files[6:]


def test_a_broken_memory_is_said(tmp_path, scanner):
    file = sets.save(tmp_path / "a.png", 1)
    scanner.looks([file], "set")
    memory = tmp_path / "memory" / "looks.sqlite"
    memory.write_bytes(b"no database" * 1000)
    with pytest.raises(DatasetError, match=r"cannot be used \(.*delete it"):
        scanner.looks([file], "set")
    memory.unlink()
    assert scanner.looks([file], "set")[0].width == 96
    with sqlite3.connect(memory) as connection:
        assert connection.execute("SELECT count(*) FROM look").fetchone() == (1,)
    connection.close()
