"""Every file of the corpus gets its stated answer, and nothing hidden in a file survives."""

import hashlib
import io

import numpy as np
import psutil
import pytest
from PIL import Image

from patients.images import REFUSAL_CODES, ImageRefused, Rebuilt, rebuild
from patients.images.rebuilding import pool
from tests.images.corpus import FILES
from tests.images.corpus.model import CANARIES, File


def answer(data: bytes) -> Rebuilt | str:
    try:
        return rebuild(data)
    except ImageRefused as error:
        refused = error
    assert refused.code in REFUSAL_CODES
    assert refused.message.endswith(".")
    return refused.code


def test_no_row_is_missing():
    assert {file.row for file in FILES} == set(range(1, 79))


def test_the_corpus_is_the_same_every_time():
    for file in FILES:
        assert file.make() == file.make(), file


@pytest.mark.parametrize("file", FILES, ids=str)
def test_each_file_gets_its_answer(file: File):
    data = file.make()
    got = answer(data)
    if file.answer == "R" or (file.answer == "A or R" and isinstance(got, str)):
        assert got in file.codes
        return
    assert isinstance(got, Rebuilt), got
    image = Image.open(io.BytesIO(got.png))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (got.width, got.height))
    assert not image.info
    assert got.sha256 == hashlib.sha256(got.png).hexdigest()
    assert got.original_sha256 == hashlib.sha256(data).hexdigest()
    assert set(file.warnings) <= set(got.warnings)
    if file.check:
        file.check(np.asarray(image))
    for canary in CANARIES:
        assert canary not in got.png
        assert canary not in got.thumbnail


@pytest.mark.parametrize("file", [file for file in FILES if file.answer != "R"], ids=str)
def test_the_same_bytes_get_the_same_answer(file: File):
    assert answer(file.make()) == answer(file.make())


def test_a_huge_picture_is_refused_from_its_header(monkeypatch):
    """Row 39: 420 kB that would be 1.1 GB; nothing is decoded and no process started."""
    data = next(file for file in FILES if file.row == 39).make()
    assert 380_000 < len(data) < 460_000
    monkeypatch.setattr(pool, "run", lambda *_: pytest.fail("a decoder was asked"))
    before = psutil.Process().memory_info().rss
    assert answer(data) == "pixels"
    assert psutil.Process().memory_info().rss - before < 50 * 2**20


def test_postscript_starts_no_interpreter(monkeypatch):
    """Row 25: whatever the name says, no decoder is asked and no program is started."""
    data = next(file for file in FILES if file.row == 25).make()
    monkeypatch.setattr(pool, "run", lambda *_: pytest.fail("a decoder was asked"))
    monkeypatch.setattr("subprocess.Popen", lambda *_: pytest.fail("a program was started"))
    assert answer(data) == "type"


def test_a_file_over_the_limit_is_refused_unread():
    assert answer(b"\xff\xd8" + bytes(20 * 2**20)) == "too_large"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_flipped_bytes_never_do_anything_but_be_taken_or_refused(kind: str):
    """300 damaged files in all; seeded, so that a failure can be made again."""
    start = {"JPEG": 1, "PNG": 2, "TIFF": 3}[kind]
    bases = [file.make() for file in FILES if file.row == start]
    random = np.random.default_rng([20260101, start])
    for turn in range(100):
        data = bytearray(bases[turn % len(bases)])
        # Half of the damage goes where the structure is.
        reach = len(data) if turn % 2 else min(len(data), 400)
        for _ in range(int(random.integers(1, 9))):
            data[int(random.integers(0, reach))] = int(random.integers(0, 256))
        answer(bytes(data))
