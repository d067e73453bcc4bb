"""Cells of another laboratory that one person read."""

import csv
from collections import Counter

import numpy as np

from classifier.inference.classes import CLASSES
from classifier.inference.locked import Locked
from ml.data import read_unlabelled
from ml.raabin import READ, read_raabin, table


def test_each_cell_was_read_once_as_one_of_the_classes():
    with READ.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len({row["path"] for row in rows}) == len(rows) == 479
    assert set(Counter(row["class"] for row in rows)) == set(CLASSES)


def test_they_are_cells_of_the_set_and_each_is_in_one_part(real_data):
    every = {
        sample.name
        for sample in read_unlabelled(real_data, "txl_pbc:raabin", "train", "val", "test")
    }
    test, others = read_raabin(real_data, "test"), read_raabin(real_data, "train", "val")
    names = [sample.name for sample in test + others]
    assert len(names) == len(set(names)) == 479
    assert set(names) < every
    assert {sample.split for sample in test} == {"test"}
    assert all(sample.kind == CLASSES[sample.label] for sample in test)


def test_what_a_model_says_of_them_is_counted():
    said = Locked(
        pictures=(("a", ""), ("b", ""), ("c", "")),
        kinds=("basophil", "monocyte", "monocyte"),
        probabilities=np.eye(5)[[0, 3, 2]],
        abstained=np.array([False, False, True]),
    )
    text = table("a model", said)
    assert "2 of 3 right, 0.667" in text
    assert "abstained on 1, right on 2 of the other 2" in text
    assert text.splitlines()[5].split() == ["monocyte", "0", "0", "1", "1", "0"]
