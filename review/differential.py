"""The differential: what the cells of a case count up to, each figure with its interval."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils import timezone

from classifier.counting import exact_interval
from classifier.gallery import latest_predictions
from classifier.models import Cell
from patients.models import Case
from review import figures
from review.choices import LETTERS, LEUKOCYTES, OUTSIDE, Label
from review.current import cell_states, suggestion
from review.flags import Flag, find_flags
from review.models import Reading
from review.policy import Policy, Range, Span, policy_of

COMMON = LEUKOCYTES[:5]  # the rows that stand in every differential, counted or not


@dataclass(frozen=True)
class Row:
    """One class of leukocyte."""

    label: str
    count: int
    percent: float | None  # None while nothing is counted
    low: float  # ends of the exact 95 % interval, percent
    high: float
    absolute: float | None = None  # 10*9/L; None without a total WBC or without cells
    absolute_low: float | None = None
    absolute_high: float | None = None
    range_percent: Span | None = None  # of the patient's age group
    range_absolute: Span | None = None  # 10*9/L
    flag: Flag | None = None  # the gravest

    @property
    def name(self) -> str:
        return Label(self.label).label

    @property
    def letter(self) -> str:
        return LETTERS[self.label]

    @property
    def interval(self) -> str:
        """The interval as it is written, percent."""
        return figures.percent_interval(self.low, self.high)

    @property
    def absolute_interval(self) -> str:
        """The interval as it is written, 10*9/L; empty where there is none."""
        if self.absolute_low is None or self.absolute_high is None:
            return ""
        return figures.absolute_interval(self.absolute_low, self.absolute_high)

    @property
    def shown(self) -> bool:
        """Worth a line: a common class, or one that was found."""
        return self.label in COMMON or self.count > 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "label": str(self.label),
            "letter": self.letter,
            "count": self.count,
            "percent": _rounded(self.percent),
            "low": _rounded(self.low),
            "high": _rounded(self.high),
            "absolute": _rounded(self.absolute),
            "absolute_low": _rounded(self.absolute_low),
            "absolute_high": _rounded(self.absolute_high),
            "range_percent": _ends(self.range_percent),
            "range_absolute": _ends(self.range_absolute),
            "flag": self.flag.code if self.flag else None,
        }


@dataclass(frozen=True)
class Nrbc:
    """Erythroblasts per 100 leukocytes, with a 95 % interval."""

    count: int
    per_100: float
    low: float
    high: float | None  # None: no upper limit

    def as_dict(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "per_100": _rounded(self.per_100),
            "low": _rounded(self.low),
            "high": _rounded(self.high),
        }


@dataclass(frozen=True)
class Differential:
    """Everything that a count says. ``rows`` has one row a leukocyte label, in report order."""

    n: int  # classified leukocytes
    target: int
    rows: tuple[Row, ...]
    nrbc: Nrbc | None  # None while no leukocyte is counted
    outside: Mapping[str, int]  # decided and not counted: label -> cells, those that were found
    unidentified: int
    flags: tuple[Flag, ...]  # gravest first
    total_wbc: Decimal | None  # 10*9/L
    age: int | None  # whole years
    rules: str  # identity of the policy
    age_group: str  # its name; empty where the rules have no range for this age

    @property
    def missing(self) -> int:
        """Cells to the target."""
        return max(0, self.target - self.n)

    @property
    def shown(self) -> list[Row]:
        return [row for row in self.rows if row.shown]

    def row(self, label: str) -> Row:
        return next(row for row in self.rows if row.label == label)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; percent and 10*9/L with four digits after the point."""
        return {
            "n": self.n,
            "target": self.target,
            "missing": self.missing,
            "total_wbc": None if self.total_wbc is None else float(self.total_wbc),
            "age": self.age,
            "age_group": self.age_group,
            "rules": self.rules,
            "rows": [row.as_dict() for row in self.rows],
            "nrbc": self.nrbc.as_dict() if self.nrbc else None,
            "outside": {str(label): count for label, count in self.outside.items()},
            "unidentified": self.unidentified,
            "flags": [flag.as_dict() for flag in self.flags],
        }


def differential(
    counts: Mapping[str, int], *, total_wbc: Decimal | None, policy: Policy, age: int | None
) -> Differential:
    """The differential of so many cells of each label (``review.choices.Label``).

    ``total_wbc`` in 10*9/L as the clinician gave it, not corrected for erythroblasts; ``age`` in
    whole years, None read as an adult's. Intervals are exact (Clopper & Pearson 1934, Rümke's
    table); that of an absolute count is total WBC times the interval of the proportion: the error
    of the WBC itself is the analyser's, and small beside it. Raises ValueError for a label that
    does not exist or a count below 0.
    """
    for label, count in counts.items():
        if label not in Label.values or count < 0:
            raise ValueError(f"{count} cells of {label!r}")
    n = sum(counts.get(label, 0) for label in LEUKOCYTES)
    ranges, group = policy.ranges_for(age), policy.group_for(age)
    rows = [
        _row(label, counts.get(label, 0), n, total_wbc, ranges.get(label, Range()))
        for label in LEUKOCYTES
    ]
    flags = find_flags(rows, n=n, total_wbc=total_wbc, policy=policy, age=age)
    gravest = {flag.label: flag for flag in reversed(flags)}
    return Differential(
        n=n,
        target=policy.target_cells,
        rows=tuple(replace(row, flag=gravest.get(row.label)) for row in rows),
        nrbc=nrbc_per_100(counts.get(Label.ERYTHROBLAST, 0), n),
        outside={label: counts[label] for label in OUTSIDE if counts.get(label)},
        unidentified=counts.get(Label.UNIDENTIFIED, 0),
        flags=tuple(flags),
        total_wbc=total_wbc,
        age=age,
        rules=policy.identity,
        age_group=group.name if group else "",
    )


def _row(label: str, count: int, n: int, total_wbc: Decimal | None, usual: Range) -> Row:
    low, high = exact_interval(count, n)
    counted = total_wbc is not None and n > 0
    wbc = float(total_wbc or 0)
    return Row(
        label=label,
        count=count,
        percent=100 * count / n if n else None,
        low=100 * low,
        high=100 * high,
        absolute=float(Fraction(total_wbc or 0) * count / n) if counted else None,
        absolute_low=wbc * low if counted else None,
        absolute_high=wbc * high if counted else None,
        range_percent=usual.percent,
        range_absolute=usual.absolute,
    )


def nrbc_per_100(count: int, n: int) -> Nrbc | None:
    """Erythroblasts per 100 leukocytes; None while there are no leukocytes.

    They are not among the leukocytes, so the figure is a ratio of two counts and no proportion: of
    all ``count + n`` cells the erythroblasts are binomial with p = ratio / (1 + ratio) whatever the
    amount of smear that was read (Przyborowski & Wilenski 1940; Nelson 1970, IEEE Trans Reliab
    19:42), and the exact interval of p gives that of the ratio p / (1 - p).
    """
    if n == 0:
        return None
    low, high = exact_interval(count, count + n)
    return Nrbc(count, 100 * count / n, 100 * low / (1 - low), 100 * high / (1 - high))


def case_differential(reading: Reading) -> Differential:
    """Of the labels that the cells have now in this reading, by the referring organisation's rules."""
    return _of_labels(reading.case, (state.label for state in cell_states(reading)))


def model_differential(case: Case) -> Differential:
    """Of the model's answers alone: where it abstained or has none yet, the cell is unidentified."""
    predictions = latest_predictions(case)
    cells = Cell.objects.filter(image__case=case, image__removed_at__isnull=True)
    labels = (
        suggestion(predictions.get(pk)) or Label.UNIDENTIFIED
        for pk in cells.values_list("pk", flat=True)
    )
    return _of_labels(case, labels)


def _of_labels(case: Case, labels: Iterable[str]) -> Differential:
    day = timezone.localdate(case.submitted_at) if case.submitted_at else timezone.localdate()
    return differential(
        Counter(labels),
        total_wbc=case.total_wbc,
        policy=policy_of(case.organisation),
        age=case.patient.age_on(day),
    )


@dataclass(frozen=True)
class Correction:
    """How one class changed from the model's differential to the reader's."""

    label: str
    model: Row
    reader: Row
    beyond_counting: bool

    @property
    def name(self) -> str:
        return Label(self.label).label

    @property
    def change(self) -> float:
        """Percentage points, from the model to the reader."""
        return (self.reader.percent or 0.0) - (self.model.percent or 0.0)

    @property
    def sentence(self) -> str:
        before = f"{_written(self.model)} % suggested" if _written(self.model) else "none suggested"
        after = (
            f"{_written(self.reader)} % ({self.reader.interval}) read"
            if _written(self.reader)
            else "none read"
        )
        error = "more than" if self.beyond_counting else "within"
        return f"{self.name}: {before}, {after}; {error} counting error"

    def as_dict(self) -> dict[str, Any]:
        return {
            "label": str(self.label),
            "model": _rounded(self.model.percent),
            "reader": _rounded(self.reader.percent),
            "beyond_counting": self.beyond_counting,
            "sentence": self.sentence,
        }


def compare(ai: Differential, signed: Differential) -> list[Correction]:
    """The classes whose percentage the reader changed, and whether by more than counting error.

    An interval method. The two differentials are of the same cells: a test that took them for two
    independent samples would miss real corrections, and a paired one (McNemar's) asks whether the
    corrections go one way, and calls six in sixty systematic, which the next hundred cells need not
    bear out. The question at the desk is whether one says what the other excludes. So a
    correction exceeds counting error where each percentage lies outside the exact 95 % interval of
    the other (Clopper & Pearson 1934, Rümke's table): had the blood been what one of the two says,
    fewer than 1 count of 40 would have come out as far off as the other. Both ways round, because
    a suggestion of 0 % excludes nothing below 3.6 % (100 cells). Each class stands for itself:
    nothing is corrected for the number of classes.
    """
    corrections = []
    for model, reader in zip(ai.rows, signed.rows, strict=True):
        if _written(model) == _written(reader):
            continue
        corrections.append(
            Correction(
                label=reader.label,
                model=model,
                reader=reader,
                beyond_counting=_outside(model, reader) and _outside(reader, model),
            )
        )
    return corrections


def _written(row: Row) -> str:
    return "" if row.percent is None else figures.percent(row.percent)


def _outside(one: Row, other: Row) -> bool:
    """One's percentage is not in the other's interval."""
    return one.percent is not None and not other.low <= one.percent <= other.high


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _ends(span: Span | None) -> list[float] | None:
    return None if span is None else [float(end) for end in span]
