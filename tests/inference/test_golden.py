"""A model states what it says of the golden set, and is held to it."""

import json

import pytest

from classifier.inference import CLASSES, ModelError, find_model, golden
from classifier.inference.manifest import FILE_NAME
from ml.export import rewrite_manifest
from tests.inference.conftest import write_model


@pytest.fixture
def stated(tmp_path):
    """A small model that states its answers, and a function that changes what it states."""
    directory = write_model(tmp_path / "small")
    path = directory / golden.FILE_NAME

    def state(change=lambda stated: None):
        content = golden.answers(directory)
        change(content)
        path.write_text(json.dumps(content))
        rewrite_manifest(directory)
        return directory

    return state


def test_twenty_pictures_four_of_each_class():
    names = [path.stem.rpartition("-")[0] for path in golden.pictures()]
    assert {label: names.count(label) for label in CLASSES} == dict.fromkeys(CLASSES, 4)


def test_what_is_stated_is_given_again(stated):
    assert golden.require_golden(stated()) < golden.TOLERANCE


def test_the_shipped_model_keeps_its_word():
    assert golden.require_golden(find_model()) < golden.TOLERANCE


def test_a_model_that_states_nothing_is_refused(tmp_path):
    with pytest.raises(ModelError, match="states no answers"):
        golden.require_golden(write_model(tmp_path / "silent"))


def permute(stated):
    for row in stated["pictures"].values():
        row["probabilities"] = row["probabilities"][1:] + row["probabilities"][:1]


def test_a_model_whose_classes_stand_in_another_order_is_refused(stated):
    with pytest.raises(ModelError, match=r"does not give the answers.* of 20 golden pictures"):
        golden.require_golden(stated(permute))


def test_a_difference_just_above_the_tolerance_is_seen(stated):
    def nudge(content):
        row = next(iter(content["pictures"].values()))
        row["probabilities"][0] += 1.5 * golden.TOLERANCE

    with pytest.raises(ModelError, match="1 of 20 golden pictures differ"):
        golden.require_golden(stated(nudge))


def another_picture(stated):
    next(iter(stated["pictures"].values()))["sha256"] = "0" * 64


def other_classes(stated):
    stated["classes"].reverse()


@pytest.mark.parametrize("change", [another_picture, other_classes])
def test_answers_to_another_set_are_refused(stated, change):
    with pytest.raises(ModelError, match="another golden set"):
        golden.require_golden(stated(change))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"pictures": {"a": 1}, "classes": []}', '{"pictures": [], "classes": []}',
     '{"pictures": {"a": {"sha256": "0", "probabilities": [NaN]}}, "classes": []}',
     '{"pictures": {"a": {"sha256": "0", "probabilities": ["a", 0, 0, 0, 0]}}, "classes": []}'],
)  # fmt: skip
def test_what_is_no_statement_is_refused_in_one_sentence(stated, text):
    directory = stated()
    (directory / golden.FILE_NAME).write_text(text)
    rewrite_manifest(directory)
    with pytest.raises(ModelError, match=r"does not state answers|another golden set"):
        golden.require_golden(directory)


def test_nothing_is_asked_of_a_directory_that_is_damaged(stated):
    directory = stated()
    (directory / "graph.bin").write_bytes(b"another")
    with pytest.raises(ModelError, match=r"graph\.bin is not the one"):
        golden.require_golden(directory)
    assert (directory / FILE_NAME).is_file()
