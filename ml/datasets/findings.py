"""What the pairs mean: repeats, conflicting classes, leaks between splits and between sets."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from datasets.layouts.source import SPLITS, Picture
from datasets.similar import Pair, clusters
from ml.datasets.scan import Look
from ml.datasets.similar import between


@dataclass(frozen=True)
class Family:
    """Rows of the set that show the same picture."""

    rows: list[int]
    likeness: float
    """Of the least alike of the pairs that hold it together."""
    exact: bool
    conflict: bool
    """Its members have more than one class."""
    leak: bool
    """Its members lie in more than one split."""


@dataclass(frozen=True)
class Other:
    """A prepared set that this one is held against."""

    name: str
    pictures: list[Picture]
    looks: list[Look]


@dataclass(frozen=True)
class Match:
    row: int
    other: str
    picture: Picture
    """Of the other set."""
    likeness: float
    exact: bool


def families(pictures: Sequence[Picture], pairs: Sequence[Pair]) -> list[Family]:
    held = defaultdict(list)
    groups = clusters(len(pictures), [(pair.a, pair.b) for pair in pairs])
    place = {row: number for number, rows in enumerate(groups) for row in rows}
    for pair in pairs:
        held[place[pair.a]].append(pair)
    return [
        Family(
            groups[number],
            min(pair.likeness for pair in its),
            all(pair.exact for pair in its),
            len({pictures[row].kind for row in groups[number]} - {""}) > 1,
            len({pictures[row].split for row in groups[number]}) > 1,
        )
        for number, its in sorted(held.items())
    ]


def matches(looks: Sequence[Look], others: Sequence[Other]) -> list[Match]:
    return [
        Match(pair.a, other.name, other.pictures[pair.b], pair.likeness, pair.exact)
        for other in others
        for pair in between(looks, other.looks)
    ]


def torn_groups(pictures: Sequence[Picture]) -> dict[str, list[str]]:
    """Source groups that lie in more than one split, with those splits."""
    sides = defaultdict(set)
    for picture in pictures:
        sides[picture.group].add(picture.split)
    return {
        group: sorted(splits, key=SPLITS.index)
        for group, splits in sides.items()
        if group and len(splits) > 1
    }


def to_drop(
    pictures: Sequence[Picture], found: Sequence[Family], met: Sequence[Match]
) -> dict[int, str]:
    """Rows to leave out, and why, so that no picture is there twice or in another set's test."""
    dropped: dict[int, str] = {}
    for family in found:
        if family.conflict:
            dropped |= dict.fromkeys(family.rows, "the same picture has two classes")
            continue
        best = max(family.rows, key=lambda row: (SPLITS.index(pictures[row].split), -row))
        reason = f"it repeats {pictures[best].name}"
        dropped |= dict.fromkeys([row for row in family.rows if row != best], reason)
    for match in met:
        if match.picture.split in ("val", "test"):
            dropped[match.row] = f"it is in {match.other}/{match.picture.split}"
    return dropped
