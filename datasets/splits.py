"""Train, val and test: by source group, class by class, with relatives on one side."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from datasets.layouts.source import SPLITS, Picture
from datasets.similar import Pair, clusters


def assign(
    pictures: Sequence[Picture], pairs: Sequence[Pair], shares: Sequence[float], seed: int
) -> list[str]:
    """A split for each picture. One that the source gives stays.

    What belongs together (source group, duplicates) goes to the side of a member that has one
    already, to the most protected if there are several: test before val before train. The rest is
    dealt out in an order drawn from `seed`, each to the side that lacks most of its classes; where
    families are so few that a side would stay empty, the last of them go there.
    """
    given = [picture.split for picture in pictures]
    families = clusters(len(pictures), [*_groups(pictures), *((p.a, p.b) for p in pairs)])
    order = np.random.default_rng(seed).permutation(len(families))
    dealt = [families[place] for place in order]
    dealt.sort(key=len, reverse=True)  # the large ones first, while there is room

    classes = Counter(picture.kind for picture in pictures)
    have: Counter[tuple[str, str]] = Counter(
        (picture.split, picture.kind) for picture in pictures if picture.split
    )
    splits = list(given)
    free = sum(not any(given[row] for row in family) for family in dealt)
    for family in dealt:
        open_rows = [row for row in family if not given[row]]
        if not open_rows:
            continue
        kinds = Counter(pictures[row].kind for row in open_rows)
        there = {given[row] for row in family} - {""}
        if there:
            side = max(there, key=SPLITS.index)
        else:
            lacking = {
                split: sum(
                    count * (share * classes[kind] - have[split, kind])
                    for kind, count in kinds.items()
                )
                for split, share in zip(SPLITS, shares, strict=True)
                if share
            }
            empty = set(lacking) - {split for split, _ in have}
            if free <= len(empty):
                lacking = {split: lack for split, lack in lacking.items() if split in empty}
            free -= 1
            side = max(lacking, key=lambda split: lacking[split])
        for row in open_rows:
            splits[row] = side
        have.update({(side, kind): count for kind, count in kinds.items()})
    return splits


def _groups(pictures: Sequence[Picture]) -> list[tuple[int, int]]:
    first: dict[str, int] = {}
    return [
        (first[picture.group], row)
        for row, picture in enumerate(pictures)
        if picture.group and first.setdefault(picture.group, row) != row
    ]
