"""What in a differential is beyond a limit, and whether so few cells can show it.

A flag is raised where the count lies at the limit or beyond it. It is certain where the whole 95 %
interval lies beyond; otherwise its sentence says that so many cells cannot show it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any

from review import figures
from review.choices import Label
from review.policy import WBC, FlagRule, Level, Policy, Range, Span

if TYPE_CHECKING:
    from review.differential import Row

_MEETS = {">": gt, ">=": ge, "<": lt, "<=": le}
_WORDS = {">": "above {}", ">=": "{} or more", "<": "below {}", "<=": "{} or less"}
_RANK = {level: place for place, level in enumerate(Level.values)}
# As they are named in a sentence.
PLURALS: Mapping[str, str] = {
    Label.NEUTROPHIL: "neutrophils",
    Label.LYMPHOCYTE: "lymphocytes",
    Label.MONOCYTE: "monocytes",
    Label.EOSINOPHIL: "eosinophils",
    Label.BASOPHIL: "basophils",
    Label.IMMATURE_GRANULOCYTE: "immature granulocytes",
    Label.ATYPICAL_LYMPHOCYTE: "atypical lymphocytes",
    Label.BLAST: "blasts",
}


@dataclass(frozen=True)
class Flag:
    """One limit that was reached."""

    code: str
    name: str
    label: str  # of the leukocyte, or WBC
    direction: str  # "high" or "low"
    level: str
    sentence: str  # with the interval
    certain: bool  # the whole interval is beyond the limit
    met: bool  # the count itself is; else it lies on the limit

    @property
    def critical(self) -> bool:
        """A critical result: the rule is one, and the count itself meets it."""
        return self.level == Level.CRITICAL and self.met

    @property
    def interpretation(self) -> str:
        """H, L, HH or LL (HL7 v3 ObservationInterpretation)."""
        return ("H" if self.direction == "high" else "L") * (2 if self.critical else 1)

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "name": self.name,
            "label": str(self.label),
            "direction": self.direction,
            "level": str(self.level),
            "sentence": self.sentence,
            "certain": self.certain,
            "critical": self.critical,
            "interpretation": self.interpretation,
        }


@dataclass(frozen=True)
class _Measure:
    """One figure of a differential: its exact value, its interval, and how it is said."""

    label: str
    kind: str  # "percent", "absolute", "cells" or WBC
    value: Fraction
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class _Candidate:
    flag: Flag
    # How far out its limit lies. A percentage says less than a number per volume, and the end of a
    # range less than a rule with a name.
    reach: tuple[bool, bool, Decimal]

    def said_by(self, other: "_Candidate") -> bool:
        """The other one is of the same cells, further out, and no less sure, met or grave."""
        mine, its = self.flag, other.flag
        return (
            (mine.label, mine.direction) == (its.label, its.direction)
            and (mine.level == Level.REVIEW) == (its.level == Level.REVIEW)
            and other.reach > self.reach
            and its.certain >= mine.certain
            and its.met >= mine.met
            and _RANK[its.level] >= _RANK[mine.level]
        )


def find_flags(
    rows: Iterable["Row"], *, n: int, total_wbc: Decimal | None, policy: Policy, age: int | None
) -> list[Flag]:
    """Every flag of these rows, gravest first. Without a total WBC only relative ones.

    What a graver flag says already is not said again: hypereosinophilia is eosinophilia, too.
    """
    ranges, rules = policy.ranges_for(age), policy.rules_for(age)
    found: list[_Candidate] = []
    for row in rows if n else ():
        usual = ranges.get(row.label, Range())
        for measure in _measures(row, n, total_wbc):
            if measure.kind == "percent":
                limits = list(_range_rules(row.label, usual.percent, "percent_"))
            else:
                limits = [
                    rule
                    for rule in rules
                    if rule.quantity == row.label and _kind(rule) == measure.kind
                ]
                if measure.kind == "absolute":
                    limits += _range_rules(row.label, usual.absolute)
            found += [one for rule in limits if (one := _judged(rule, measure, n))]
    if total_wbc is not None:
        measure = _Measure(
            WBC, WBC, Fraction(total_wbc), float(total_wbc), float(total_wbc),
            f"total WBC {figures.plain(total_wbc)} {figures.UNIT}",
        )  # fmt: skip
        found += [
            one for rule in rules if rule.quantity == WBC and (one := _judged(rule, measure, n))
        ]
    kept = [one.flag for one in found if not any(one.said_by(other) for other in found)]
    return sorted(kept, key=gravity)


def gravity(flag: Flag) -> tuple[bool, int, bool]:
    """Sorts the gravest first, and the certain before what is not."""
    return not flag.critical, -_RANK[flag.level], not flag.certain


def _measures(row: "Row", n: int, total_wbc: Decimal | None) -> Iterator[_Measure]:
    name, share = PLURALS[row.label], Fraction(row.count, n)
    percent = f"{figures.percent(float(100 * share))} % ({row.interval})"
    yield _Measure(row.label, "percent", 100 * share, row.low, row.high, f"{name} {percent}")
    counted = name if row.count != 1 else name.removesuffix("s")
    yield _Measure(
        row.label, "cells", Fraction(row.count), row.count, row.count,
        f"{row.count} {counted} among {figures.cells(n)}, {percent}",
    )  # fmt: skip
    if total_wbc is not None:
        low, high = float(total_wbc) * row.low / 100, float(total_wbc) * row.high / 100
        value = Fraction(total_wbc) * share
        said = f"{figures.absolute(float(value))} {figures.UNIT}"
        yield _Measure(
            row.label, "absolute", value, low, high,
            f"{name} {said} ({figures.absolute_interval(low, high)})",
        )  # fmt: skip


def _kind(rule: FlagRule) -> str:
    return "cells" if rule.unit == "cells" else "absolute"


def _range_rules(label: str, usual: Span | None, prefix: str = "") -> Iterator[FlagRule]:
    """A range as limits: one at each end, none at 0, below which nothing is."""
    for relation, end in (("<", usual[0]), (">", usual[1])) if usual else ():
        if end > 0 or relation == ">":
            side = "high" if relation == ">" else "low"
            name = f"{PLURALS[label].capitalize()} {'above' if side == 'high' else 'below'} range"
            yield FlagRule(f"{label}_{prefix}{side}", name, label, relation, end, unit="")


def _judged(rule: FlagRule, measure: _Measure, n: int) -> _Candidate | None:
    """The flag, if the figure is at the limit or beyond it."""
    limit = rule.limit
    if limit is None:
        return None
    meets = _MEETS[rule.relation]
    met = meets(measure.value, Fraction(limit))
    if not met and measure.value != Fraction(limit):
        return None
    if measure.low == measure.high and not met:
        return None  # not a matter of chance: what was given is on the limit, and not beyond it
    end = measure.low if rule.upward else measure.high
    certain = met and meets(end, float(limit))
    flag = Flag(
        code=rule.code,
        name=rule.name,
        label=measure.label,
        direction="high" if rule.upward else "low",
        level=rule.level,
        sentence=f"{measure.words}: {_verdict(rule, measure, n, met=met, certain=certain)}",
        certain=certain,
        met=met,
    )
    reach = (measure.kind != "percent", bool(rule.unit), limit if rule.upward else -limit)
    return _Candidate(flag, reach)


def limit_words(rule: FlagRule) -> str:
    """ "above 0.5", "1.5 or more"."""
    return _WORDS[rule.relation].format(figures.plain(rule.limit or Decimal(0)))


def _verdict(rule: FlagRule, measure: _Measure, n: int, *, met: bool, certain: bool) -> str:
    beyond = limit_words(rule)
    if measure.kind == "percent":
        side = "above" if rule.upward else "below"
        said = f"{side} the limit of {figures.plain(rule.limit or Decimal(0))} %"
        unsure = f"{side} the limit"
    elif measure.kind == "cells":
        plural = PLURALS[measure.label]
        said = unsure = (
            f"any {plural.removesuffix('s')} is flagged"
            if rule.limit == 1
            else f"{rule.limit} or more {plural} are flagged"
        )
    elif rule.level == Level.REVIEW or not rule.unit:
        said = f"{beyond}, {'film review' if rule.unit else 'the end of the range'}"
        unsure = beyond
    else:
        said = unsure = f"{rule.name.lower()} ({beyond})"
    if certain:
        return said
    if rule.level == Level.CRITICAL and met:
        return f"counted as {unsure}, which cannot be shown with {figures.cells(n)}"
    return f"{unsure} cannot be shown with {figures.cells(n)}"
