"""A model is asked the golden set in a child that can do nothing but answer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.bundles.confined import Limits
from classifier.inference import ModelError, find_model, golden
from classifier.registry import require_fit
from ml.export import rewrite_manifest
from tests.inference.conftest import write_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def stating(tmp_path) -> Path:
    """A small model that states its answers to the golden set."""
    directory = write_model(tmp_path / "small")
    (directory / golden.FILE_NAME).write_text(json.dumps(golden.answers(directory)))
    rewrite_manifest(directory)
    return directory


def test_the_shipped_model_is_fit():
    assert require_fit(find_model()) < golden.TOLERANCE


def test_a_small_model_that_keeps_its_word_is_fit(stating):
    assert require_fit(stating) < golden.TOLERANCE


def test_the_reason_comes_back_from_the_child(tmp_path):
    with pytest.raises(ModelError, match=r"^Model 'silent' states no answers to the golden set\.$"):
        require_fit(write_model(tmp_path / "silent"))


def test_permuted_classes_are_caught(stating):
    stated = json.loads((stating / golden.FILE_NAME).read_text())
    for row in stated["pictures"].values():
        row["probabilities"] = row["probabilities"][1:] + row["probabilities"][:1]
    (stating / golden.FILE_NAME).write_text(json.dumps(stated))
    rewrite_manifest(stating)
    with pytest.raises(ModelError, match="does not give the answers that it states"):
        require_fit(stating)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(cpu=1), "took longer"),
        (Limits(wall=1), "took longer"),
        (Limits(memory=600 * 1024**2), r"memory|cannot be read|fell over"),
    ],
)
def test_a_model_that_takes_too_much_is_refused_in_one_sentence(limits, sentence):
    with pytest.raises(ModelError, match=sentence) as refused:
        require_fit(find_model(), limits=limits)
    assert "\n" not in str(refused.value)


CONFINED = """
import os, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from classifier.bundles.confinement import confine
mine = Path(sys.argv[2])
print(confine(readable=[mine]))
def tried(do):
    try:
        do()
    except OSError:
        return
    print("could", do.__name__)
def read_passwords(): open("/etc/passwd").close()
def read_a_neighbour(): open(mine.parent / "secret").close()
def write(): open(mine / "new", "w").close()
def write_elsewhere(): open("/tmp/teleheme-canary", "w").close()
def connect(): socket.socket()
def start(): subprocess.run(["true"])
def remove(): os.unlink(mine / "graph")
def rename(): os.rename(mine / "graph", mine / "other")
for do in (read_passwords, read_a_neighbour, write, write_elsewhere, connect, start, remove, rename):
    tried(do)
print((mine / "graph").read_text())
"""


def test_the_child_reads_the_model_and_can_do_nothing_else(tmp_path):
    mine = tmp_path / "model"
    mine.mkdir()
    (mine / "graph").write_text("mine")
    (tmp_path / "secret").write_text("secret")
    done = subprocess.run(
        [sys.executable, "-I", "-c", CONFINED, str(ROOT), str(mine)],
        capture_output=True,
        text=True,
        check=True,
    )
    if done.stdout.startswith("False"):
        pytest.skip("this kernel has no Landlock")
    assert done.stdout == "True\nmine\n"
