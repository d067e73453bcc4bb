"""Splits by source group and class, with relatives on one side."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from datasets.layouts.source import Picture
from datasets.similar import Pair
from datasets.splits import assign

SHARES = (0.6, 0.1, 0.3)


def one(kind="neutrophil", group="", split=""):
    return Picture(Path(), "", kind, group, split)


def test_classes_are_divided_in_proportion():
    pictures = [one(kind) for kind in ["basophil"] * 20 + ["monocyte"] * 200]
    splits = assign(pictures, [], SHARES, 1)
    counts = Counter(zip((p.kind for p in pictures), splits, strict=True))
    assert counts == {
        ("basophil", "train"): 12,
        ("basophil", "val"): 2,
        ("basophil", "test"): 6,
        ("monocyte", "train"): 120,
        ("monocyte", "val"): 20,
        ("monocyte", "test"): 60,
    }


def test_the_seed_decides_and_nothing_else():
    pictures = [one() for _ in range(100)]
    assert assign(pictures, [], SHARES, 1) == assign(pictures, [], SHARES, 1)
    assert assign(pictures, [], SHARES, 1) != assign(pictures, [], SHARES, 2)


def test_groups_and_repeats_are_never_torn():
    rng = np.random.default_rng(5)
    kinds = ("basophil", "eosinophil", "monocyte")
    pictures = [one(kinds[rng.integers(3)], f"patient{rng.integers(60)}") for _ in range(600)]
    pairs = [Pair(*sorted(rng.choice(600, 2, replace=False).tolist()), 0.95) for _ in range(20)]
    splits = assign(pictures, pairs, SHARES, 3)
    sides = defaultdict(set)
    for picture, split in zip(pictures, splits, strict=True):
        sides[picture.group].add(split)
    assert all(len(side) == 1 for side in sides.values())
    assert all(splits[pair.a] == splits[pair.b] for pair in pairs)
    shares = {split: count / 600 for split, count in Counter(splits).items()}
    assert abs(shares["train"] - 0.6) < 0.05
    assert abs(shares["test"] - 0.3) < 0.05
    assert shares["val"] > 0.05


def test_one_large_group_does_not_spoil_the_proportions():
    pictures = [one() for _ in range(45)] + [one(group="large") for _ in range(55)]
    for seed in range(5):
        assert Counter(assign(pictures, [], SHARES, seed)) == {"train": 60, "val": 10, "test": 30}


def test_a_split_that_is_given_stays_and_relatives_join_it():
    pictures = [
        one(split="train"),
        one(split="test"),
        one(),
        one(),
        one(group="p", split="val"),
        one(group="p"),
    ]
    pairs = [Pair(0, 1, 1.0), Pair(1, 2, 1.0), Pair(0, 3, 1.0)]
    splits = assign(pictures, pairs, SHARES, 1)
    assert splits == ["train", "test", "test", "test", "val", "val"]


def test_one_picture_of_a_class_trains():
    assert assign([one("basophil")], [], SHARES, 1) == ["train"]


def test_a_set_for_measuring_alone_has_no_train():
    splits = assign([one() for _ in range(10)], [], (0, 0.4, 0.6), 1)
    assert Counter(splits) == {"val": 4, "test": 6}


def test_pictures_without_a_class_are_divided_too():
    assert Counter(assign([one("") for _ in range(10)], [], SHARES, 1)) == {
        "train": 6,
        "val": 1,
        "test": 3,
    }
