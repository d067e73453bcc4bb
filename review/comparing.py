"""One reading beside another: how far they agree, and the cells on which they do not."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import QuerySet

from accounts.permissions import visible_cases
from review.agreement import Agreement, agreement
from review.choices import Label, ReadingKind
from review.current import CellState, cell_states, latest_verdicts, newest_labels
from review.models import Reading, Verdict


@dataclass(frozen=True)
class Difference:
    """A cell that two readings call by different names."""

    state: CellState
    """As it is in the primary reading."""
    theirs: Verdict
    decided: bool
    """The primary reader has said something about it since the other reading was finished."""


@dataclass(frozen=True)
class Comparison:
    primary: Reading
    other: Reading
    pairs: list[tuple[str, str]]
    """What each called a cell by themselves, of those that both decided."""
    differences: list[Difference]

    @cached_property
    def agreement(self) -> Agreement:
        return pooled([self])

    @property
    def open(self) -> int:
        return sum(not difference.decided for difference in self.differences)


def compare_readings(primary: Reading, other: Reading) -> Comparison:
    """The two readings of a case on the cells that both have decided.

    Agreement is between what each said by themselves: what the primary reader said after the other
    reading was finished is adjudication and does not count for it.
    """
    states = cell_states(primary, show_model=True)
    theirs = latest_verdicts(other)
    before = first_words(primary, other.finished_at)
    pairs, differences = [], []
    for state in states:
        verdict = theirs.get(state.cell.pk)
        if verdict is None or verdict.label == Label.UNIDENTIFIED:
            continue
        own = before.get(state.cell.pk) or state.suggested or Label.UNIDENTIFIED
        if own != Label.UNIDENTIFIED:
            pairs.append((own, verdict.label))
        since = state.verdict is not None and (
            other.finished_at is not None and state.verdict.act.at > other.finished_at
        )
        if verdict.label != state.label or (since and own != verdict.label):
            differences.append(Difference(state, verdict, decided=since))
    return Comparison(
        primary=primary,
        other=other,
        pairs=pairs,
        differences=differences,
    )


def first_words(reading: Reading, until: datetime | None) -> dict[int, str]:
    """What each cell was called in a reading until that moment, by the cell's primary key."""
    rows = Verdict.objects.filter(act__reading=reading)
    if until is not None:
        rows = rows.filter(act__at__lte=until)
    return newest_labels(rows)


def doubly_read(user: object) -> QuerySet[Reading]:
    """The finished blinded second readings of cases that this person may see, newest first."""
    return (
        Reading.objects.filter(
            visible_cases(user, path="case__"),
            kind=ReadingKind.SECOND,
            finished_at__isnull=False,
        )
        .select_related("case__organisation", "reader")
        .order_by("-finished_at", "-pk")
    )


def pooled(comparisons: Iterable[Comparison]) -> Agreement:
    """Agreement over the cells of several cases."""
    pairs = [pair for each in comparisons for pair in each.pairs]
    return agreement([own for own, _ in pairs], [other for _, other in pairs])
