"""The sides of a set's pictures: train, validation and test, with relatives on one side."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.choices import ItemState, Origin
from datasets.layouts.source import SPLITS, Picture
from datasets.models import DataSet, Item, Likeness, PatientSide
from datasets.similar import Pair, clusters
from datasets.splits import assign

SHARES = (0.7, 0.15, 0.15)
SEED = 1
LOOKUP = 500
TOO_LIKE = "Nearly the same picture is on a side that is protected more."


@dataclass
class Row:
    """Of a KEPT item, what its side depends on."""

    pk: int
    kind: str
    split: str
    group: str
    patient: int | None


@dataclass
class Dealt:
    splits: dict[int, str]
    """Of the items that stay, by primary key."""
    left_out: list[int]
    """Primary keys of items that would be on two sides."""
    patients: dict[int, str]
    """The side of each patient that had none."""


def deal(data_set: DataSet) -> Dealt:
    """Nothing is written. A split that an import states stays; a patient's side stays as well, in
    every set of signed cells, and what is too like a picture on a more protected side is left out
    of such a set."""
    rows = _rows(data_set)
    place = {row.pk: number for number, row in enumerate(rows)}
    pairs = [
        Pair(place[a], place[b], value)
        for a, b, value in Likeness.objects.filter(
            a__data_set=data_set, b__data_set=data_set
        ).values_list("a_id", "b_id", "value")
        if a in place and b in place
    ]
    splits = assign([_picture(row) for row in rows], pairs, SHARES, SEED)
    if data_set.origin != Origin.SIGNED:
        return Dealt({row.pk: split for row, split in zip(rows, splits, strict=True)}, [], {})
    out = _on_two_sides(rows, splits, pairs)
    return Dealt(
        {
            row.pk: split
            for number, (row, split) in enumerate(zip(rows, splits, strict=True))
            if number not in out
        },
        [rows[number].pk for number in sorted(out)],
        {
            row.patient: split
            for row, split in zip(rows, splits, strict=True)
            if row.patient is not None and not row.split
        },
    )


def _rows(data_set: DataSet) -> list[Row]:
    kept = Item.objects.filter(data_set=data_set, state=ItemState.KEPT).order_by("number")
    facts = kept.values_list("pk", "kind", "split", "source_group", "cell__image__case__patient_id")
    rows = [Row(*each) for each in facts]
    sides = _sides({row.patient for row in rows if row.patient is not None})
    for row in rows:
        if row.patient is not None:
            row.split = sides.get(row.patient, "")
    return rows


def _sides(patients: Iterable[int]) -> dict[int, str]:
    wanted, found = sorted(patients), dict[int, str]()
    for begin in range(0, len(wanted), LOOKUP):
        rows = PatientSide.objects.filter(patient__in=wanted[begin : begin + LOOKUP])
        found |= dict(rows.values_list("patient_id", "split"))
    return found


def _picture(row: Row) -> Picture:
    return Picture(Path(), "", row.kind, row.group, row.split)


def _on_two_sides(rows: Sequence[Row], splits: Sequence[str], pairs: Sequence[Pair]) -> set[int]:
    """Places of what is like a picture on a side that is protected more."""
    out = set()
    for family in clusters(len(rows), [(pair.a, pair.b) for pair in pairs]):
        most = max(SPLITS.index(splits[place]) for place in family)
        out |= {place for place in family if SPLITS.index(splits[place]) < most}
    return out


def missing_classes(counts: Counter[tuple[str, str]]) -> list[str]:
    """Sentences on classes that cannot be learnt, chosen on or measured."""
    by_kind: dict[str, set[str]] = defaultdict(set)
    for kind, split in counts:
        by_kind[kind].add(split)
    names = {"train": "train", "val": "validation", "test": "test"}
    return [
        f"No {kind} is in {' and in '.join(names[each] for each in SPLITS if each not in there)}."
        for kind, there in sorted(by_kind.items())
        if len(there) < len(SPLITS)
    ]
