"""The figures of the page: sums of the counts by day. Some ten queries, however many cells."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.db.models import F, Q, Sum
from django.db.models.functions import TruncWeek

from classifier.inference.classes import CLASSES
from monitoring import bands
from monitoring.filters import Known, Wanted
from monitoring.models import Origin, ReadCount, SignedCount
from monitoring.shares import Rate
from patients.choices import Stain
from review.choices import Label

_ANSWERED = Q(abstained=False)
_KEPT = _ANSWERED & Q(signed=F("said"))


@dataclass(frozen=True)
class Part:
    """What was read and what was signed, of a week, an organisation, a model, ..."""

    read: int = 0
    out: int = 0  # abstained, of those read
    signed: int = 0
    answered: int = 0  # of those signed
    kept: int = 0  # signed as the model had said

    def __add__(self, other: "Part") -> "Part":
        return Part(
            self.read + other.read,
            self.out + other.out,
            self.signed + other.signed,
            self.answered + other.answered,
            self.kept + other.kept,
        )

    @property
    def abstained(self) -> Rate:
        return Rate(self.out, self.read)

    @property
    def overridden(self) -> Rate:
        return Rate(self.answered - self.kept, self.answered)


@dataclass(frozen=True)
class Field:
    """One field of the confusion table."""

    said: str
    cells: int
    of: int  # of the row, answered
    right: bool

    @property
    def shade(self) -> int:
        """0 to 9, by its share of the row."""
        if not self.cells or not self.of:
            return 0
        return max(1, min(9, round(9 * (self.cells / self.of) ** 0.5)))


@dataclass(frozen=True)
class Row:
    """Cells that were signed as one label: what the model had said of them."""

    label: str
    fields: Sequence[Field]
    abstained: Rate

    @property
    def name(self) -> str:
        return Label(self.label).label


@dataclass(frozen=True)
class OfClass:
    name: str
    read: int
    abstained: Rate  # of the read
    overridden: Rate  # of those said to be it, answered and signed
    found: Rate  # of those signed as it and answered: said to be it


@dataclass(frozen=True)
class Figures:
    """Everything that the page shows of one choice."""

    wanted: Wanted
    known: Known
    weeks: dict[date, Part]
    origins: dict[tuple[int, int], Part] = field(repr=False)  # (origin, version)
    pairs: Counter[tuple[str, bool, str]]  # (said, abstained, signed)
    labels: dict[str, Counter[str]]  # label -> sums of ReadCount's columns
    before: Counter[str]  # the same sums of the period before, all labels together

    @cached_property
    def whole(self) -> Part:
        return sum(self.weeks.values(), Part())

    @cached_property
    def sums(self) -> Counter[str]:
        return sum(self.labels.values(), Counter())

    def by(self, name_of: Callable[[Origin, str], str]) -> list[tuple[str, Part]]:
        """Parts by a name of their origin and model, the one with the most cells first."""
        found: dict[str, Part] = defaultdict(Part)
        for (origin, version), part in self.origins.items():
            model = self.known.versions[version].model_id
            found[name_of(self.known.origins[origin], model)] += part
        return sorted(found.items(), key=lambda one: (-one[1].read, -one[1].signed, one[0]))

    @cached_property
    def tables(self) -> list[tuple[str, list[tuple[str, Part]]]]:
        """By organisation, stain, microscope, site and model."""
        stains = dict(Stain.choices)
        return [
            ("Organisation", self.by(lambda origin, model: origin.organisation.name)),
            ("Stain", self.by(lambda origin, model: stains.get(origin.stain, "not stated"))),
            ("Microscope", self.by(lambda origin, model: origin.device or "not stated")),
            ("Site", self.by(lambda origin, model: origin.site or "not stated")),
            ("Model", self.by(lambda origin, model: model)),
        ]

    @cached_property
    def confusion(self) -> list[Row]:
        signed = {label for _, _, label in self.pairs}
        rows = []
        for label in (label for label in Label.values if label in signed):
            said = [self.pairs[name, False, label] for name in CLASSES]
            out = sum(self.pairs[name, True, label] for name in CLASSES)
            whole = sum(said)
            fields = [
                Field(name, cells, whole, name == label)
                for name, cells in zip(CLASSES, said, strict=True)
            ]
            rows.append(Row(label, fields, Rate(out, whole + out)))
        return rows

    @cached_property
    def classes(self) -> list[OfClass]:
        found = []
        for name in CLASSES:
            said = sum(n for (word, out, _), n in self.pairs.items() if word == name and not out)
            signed = sum(n for (_, out, word), n in self.pairs.items() if word == name and not out)
            kept = self.pairs[name, False, name]
            sums = self.labels.get(name, Counter())
            found.append(
                OfClass(
                    name=name,
                    read=sums["read"],
                    abstained=Rate(sums["abstained"], sums["read"]),
                    overridden=Rate(said - kept, said),
                    found=Rate(kept, signed),
                )
            )
        return found

    @cached_property
    def bands(self) -> list[tuple[str, list[tuple[str, int, int]]]]:
        """Cells in each band of confidence and score, now and before."""
        found = []
        for head, what, ends in (
            ("Confidence", "confidence", bands.CONFIDENCE),
            ("In-distribution score", "score", bands.SCORE),
        ):
            fields = zip(bands.names(ends), bands.fields(what), strict=True)
            rows = [(name, self.sums[field], self.before[field]) for name, field in fields]
            found.append((head, rows))
        return found

    @cached_property
    def other_kinds(self) -> Rate:
        """Answered cells that were signed as none of the model's classes."""
        answered = {key: n for key, n in self.pairs.items() if not key[1]}
        other = sum(n for (_, _, signed), n in answered.items() if signed not in CLASSES)
        return Rate(other, sum(answered.values()))


def figures(wanted: Wanted, known: Known) -> Figures:
    """Seven queries."""
    read = ReadCount.objects.filter(wanted.where).order_by()
    signed = SignedCount.objects.filter(wanted.where).order_by()
    weeks: dict[date, Part] = {week: Part() for week in _mondays(wanted)}
    for week, part in _parts(read, signed, week=TruncWeek("day")):
        weeks[week[0]] = weeks.get(week[0], Part()) + part
    origins: dict[Any, Part] = defaultdict(Part)
    for key, part in _parts(read, signed, origin_key=F("origin"), version_key=F("version")):
        origins[key] += part
    pairs = signed.values_list("said", "abstained", "signed").annotate(number=Sum("cells"))
    return Figures(
        wanted=wanted,
        known=known,
        weeks=dict(sorted(weeks.items())),
        origins=dict(origins),
        pairs=Counter({(said, out, label): number for said, out, label, number in pairs}),
        labels=_sums_by_label(read),
        before=sum(
            _sums_by_label(ReadCount.objects.filter(wanted.before().where).order_by()).values(),
            Counter(),
        ),
    )


def _parts(read: Any, signed: Any, **by: Any) -> Iterable[tuple[tuple[Any, ...], Part]]:
    """Read and signed cells, each grouped in a query of its own."""
    names = list(by)
    reads = read.annotate(**by).values_list(*names).annotate(Sum("read"), out=Sum("abstained"))
    for *key, cells, out in reads:
        yield tuple(key), Part(read=cells, out=out)
    signs = (
        signed.annotate(**by)
        .values_list(*names)
        .annotate(
            Sum("cells"),
            answered=Sum("cells", filter=_ANSWERED, default=0),
            kept=Sum("cells", filter=_KEPT, default=0),
        )
    )
    for *key, cells, answered, kept in signs:
        yield tuple(key), Part(signed=cells, answered=answered, kept=kept)


def _sums_by_label(read: Any) -> dict[str, Counter[str]]:
    names = ["read", "abstained", *bands.fields("confidence"), *bands.fields("score")]
    rows = read.values("label").annotate(**{f"sum_{name}": Sum(name) for name in names})
    return {row["label"]: Counter({name: row[f"sum_{name}"] for name in names}) for row in rows}


def _mondays(wanted: Wanted) -> list[date]:
    """Weeks without a cell are weeks, too."""
    count = (wanted.last - wanted.first).days // 7 + 1
    return [wanted.first + timedelta(weeks=n) for n in range(count)]
