"""Cells that two readers call by different names, and nobody has decided since."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import Role, User
from accounts.permissions import visible_cases
from classifier.models import Cell
from datasets.signed import NOT_TAUGHT
from review.choices import ReadingKind
from review.models import Reading, Verdict

NEWEST = 500  # readings besides the first that are looked at
LOOKUP = 500


@dataclass(frozen=True)
class Disagreement:
    cell: Cell
    reading: Reading
    """The other one, with its case and reader."""
    own: str
    """What the reading that is signed calls it: its reader's word, else the model's answer."""
    theirs: str


def disagreements(user: User) -> list[Disagreement]:
    """Newest first. A specialist's: of the cases that they may open, but for those with a blinded
    reading to come. An administrator's: of all, to be counted, never shown.

    Some six queries, and one for every 500 cells.
    """
    readings = list(_readings(user)[:NEWEST])
    theirs = _their_words([reading.pk for reading in readings])
    own = _own_words({cell for _, cell in theirs})
    of_reading = {reading.pk: reading for reading in readings}
    found: list[tuple[int, int, str, str]] = []
    for (reading, cell), (label, suggested) in theirs.items():
        word, at = own.get(cell, (suggested, None))
        finished = of_reading[reading].finished_at
        later = at is not None and finished is not None and at > finished
        said = word and word not in NOT_TAUGHT and label not in NOT_TAUGHT
        if said and word != label and not later:
            found.append((reading, cell, word, label))
    cells = _present({cell for _, cell, _, _ in found})
    order = {reading.pk: place for place, reading in enumerate(readings)}
    found.sort(key=lambda row: (order[row[0]], row[1]))
    return [
        Disagreement(cells[cell], of_reading[reading], word, label)
        for reading, cell, word, label in found
        if cell in cells
    ]


def counted(found: Iterable[Disagreement]) -> list[tuple[str, str, int]]:
    """How often which two labels stand against each other, whoever said which."""
    pairs = Counter(tuple(sorted((each.own, each.theirs))) for each in found)
    return [(one, other, count) for (one, other), count in pairs.most_common()]


def _readings(user: User) -> QuerySet[Reading]:
    rows = Reading.objects.filter(finished_at__isnull=False).exclude(kind=ReadingKind.PRIMARY)
    if user.role != Role.ADMINISTRATOR:
        blinded = Reading.objects.filter(blind=True, committed_at__isnull=True)
        rows = rows.filter(visible_cases(user, path="case__")).exclude(
            case__in=blinded.values("case")
        )
    return rows.select_related("case", "reader").order_by("-finished_at", "-pk")


def _their_words(readings: list[int]) -> dict[tuple[int, int], tuple[str, str]]:
    """(reading, cell) -> the newest label, and what the model had said."""
    rows = Verdict.objects.filter(act__reading__in=readings).order_by("act__number", "pk")
    facts: Any = rows.values_list("act__reading_id", "cell_id", "label", "suggested")
    return {(reading, cell): (label, said) for reading, cell, label, said in facts}


def _own_words(cells: set[int]) -> dict[int, tuple[str, datetime | None]]:
    """Cell -> the newest label of the reading that is signed, and when it was given."""
    wanted, found = sorted(cells), dict[int, tuple[str, datetime | None]]()
    for begin in range(0, len(wanted), LOOKUP):
        rows = Verdict.objects.filter(
            cell__in=wanted[begin : begin + LOOKUP], act__reading__kind=ReadingKind.PRIMARY
        ).order_by("act__number", "pk")
        for cell, label, at in rows.values_list("cell_id", "label", "act__at"):
            found[cell] = (label, at)
    return found


def _present(cells: set[int]) -> dict[int, Cell]:
    wanted, found = sorted(cells), dict[int, Cell]()
    for begin in range(0, len(wanted), LOOKUP):
        rows = Cell.objects.filter(image__removed_at__isnull=True).select_related("image")
        found |= rows.in_bulk(wanted[begin : begin + LOOKUP])
    return found
