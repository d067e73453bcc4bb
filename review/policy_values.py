"""An organisation's rules as JSON, and back: checked value by value, each fault in a sentence.

A fault is named by its path, as "turnaround.stat" or "age_groups.0.ranges.neutrophil.percent", so
that a form can say it beside the field.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, TypeGuard

from patients.choices import Priority
from patients.errors import DomainError
from review.choices import LEUKOCYTES, Label
from review.policy import (
    ADULTS,
    FLAGS,
    TARGETS,
    TURNAROUND,
    AgeGroup,
    FlagRule,
    Level,
    Policy,
    Range,
    Span,
)

OLDEST = 130  # years
MOST_GROUPS = 12
LONGEST = 30 * 24 * 60  # minutes
HIGHEST = {"percent": Decimal(100), "absolute": Decimal(1000), "cells": Decimal(1000)}
# Milder before stronger, of the same cells: a stronger limit lies further out.
LADDERS: tuple[tuple[str, ...], ...] = (
    ("eosinophilia", "hypereosinophilia", "eosinophils_urgent"),
    ("neutropenia", "severe_neutropenia"),
)


class PolicyRefused(DomainError):
    """The rules cannot be as they were given. ``problems`` is path -> sentence."""

    code = "policy"

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


def parse(values: Any) -> dict[str, Any]:
    """The fields of a ``Policy`` from stored or submitted values; what is missing is the house's.

    Raises PolicyRefused with every fault at once.
    """
    reader = _Reader()
    fields = reader.read(values)
    if reader.problems:
        raise PolicyRefused(reader.problems)
    return fields


def stored(policy: Policy) -> dict[str, Any]:
    """What of these rules differs from the house's, as ``parse`` takes it."""
    house, values = Policy(), {}
    for name in ("read_before_model", "second_reading", "two_signers", "target_cells"):
        if getattr(policy, name) != getattr(house, name):
            values[name] = getattr(policy, name)
    if policy.escalate_after != house.escalate_after:
        values["escalate_after"] = policy.escalate_after
    times = {name: time for name, time in policy.turnaround.items() if TURNAROUND[name] != time}
    if times:
        values["turnaround"] = times
    if policy.age_groups != house.age_groups:
        values["age_groups"] = [_stored_group(group) for group in policy.age_groups]
    flags = {
        rule.code: {"limit": _number(rule.limit), "level": str(rule.level)}
        for rule, default in zip(policy.flags, FLAGS, strict=True)
        if rule != default
    }
    if flags:
        values["flags"] = flags
    return values


def _stored_group(group: AgeGroup) -> dict[str, Any]:
    ranges = {}
    for label in LEUKOCYTES:
        span = group.ranges.get(label, Range())
        kept = {
            kind: [_number(end) for end in ends]
            for kind, ends in (("percent", span.percent), ("absolute", span.absolute))
            if ends is not None
        }
        if kept:
            ranges[str(label)] = kept
    return {"name": group.name, "first": group.first, "last": group.last, "ranges": ranges}


def _number(value: Decimal | None) -> int | float | None:
    """A JSON number that comes back as the same Decimal."""
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


class _Reader:
    """Reads one set of values, and gathers what is wrong with it."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}

    def read(self, values: Any) -> dict[str, Any]:
        known = {
            "read_before_model": self.share,
            "second_reading": self.share,
            "two_signers": self.yes_or_no,
            "target_cells": self.target,
            "turnaround": self.turnaround,
            "escalate_after": lambda path, value: self.minutes(path, value, most=24 * 60),
            "age_groups": self.age_groups,
            "flags": self.flags,
        }
        if not isinstance(values, Mapping):
            self.wrong("", "Rules are a table of names and values.")
            return {}
        for name in values:
            if name not in known:
                self.wrong(str(name), f"There is no rule called {str(name)[:60]!r}.")
        return {name: read(name, values[name]) for name, read in known.items() if name in values}

    def wrong(self, path: str, sentence: str) -> None:
        self.problems.setdefault(path, sentence)

    def share(self, path: str, value: Any) -> float:
        number = _decimal(value)
        if number is None or not 0 <= number <= 1:
            self.wrong(path, "A share is a number from 0 (never) to 1 (every case).")
            return 0.0
        return float(number)

    def yes_or_no(self, path: str, value: Any) -> bool:
        if not isinstance(value, bool):
            self.wrong(path, "This is yes or no.")
        return bool(value)

    def target(self, path: str, value: Any) -> int:
        if value not in TARGETS or isinstance(value, bool):
            self.wrong(path, "A differential counts to 100 or to 200 cells.")
            return TARGETS[0]
        return int(value)

    def minutes(self, path: str, value: Any, *, most: int = LONGEST) -> int:
        if not _whole(value) or not 1 <= value <= most:
            self.wrong(path, f"Give whole minutes, from 1 to {most}.")
            return 1
        return int(value)

    def turnaround(self, path: str, value: Any) -> dict[str, int]:
        times = dict(TURNAROUND)
        for name, time in self.table(path, value).items():
            if name not in Priority.values:
                self.wrong(f"{path}.{name}", f"There is no priority called {str(name)[:60]!r}.")
            else:
                times[name] = self.minutes(f"{path}.{name}", time)
        for sooner, later in (
            (Priority.STAT, Priority.ROUTINE),
            (Priority.ROUTINE, Priority.BACKGROUND),
        ):
            if times[sooner] > times[later]:
                self.wrong(
                    f"{path}.{later}",
                    f"{later.label} cannot be due before {sooner.label.lower()} ({times[sooner]} minutes).",
                )
        return times

    def table(self, path: str, value: Any) -> Mapping[str, Any]:
        if isinstance(value, Mapping):
            return value
        self.wrong(path, "This is a table of names and values.")
        return {}

    def age_groups(self, path: str, value: Any) -> tuple[AgeGroup, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_GROUPS:
            self.wrong(path, f"Give 1 to {MOST_GROUPS} age groups.")
            return (ADULTS,)
        groups = [self.age_group(f"{path}.{place}", entry) for place, entry in enumerate(value)]
        self.apart(path, groups)
        return tuple(sorted(groups, key=lambda group: group.first))

    def age_group(self, path: str, value: Any) -> AgeGroup:
        entry = self.table(path, value)
        name = entry.get("name")
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= 60:
            self.wrong(f"{path}.name", "Give the age group a name of at most 60 characters.")
            name = ""
        first, last = entry.get("first"), entry.get("last")
        if not _whole(first) or not 0 <= first <= OLDEST:
            self.wrong(f"{path}.first", f"Give the youngest age in whole years, 0 to {OLDEST}.")
            first = 0
        if last is not None and (not _whole(last) or not 0 <= last <= OLDEST):
            self.wrong(
                f"{path}.last",
                f"Give the oldest age in whole years, 0 to {OLDEST}, or leave it empty.",
            )
            last = None
        elif last is not None and last < first:
            self.wrong(f"{path}.last", "The oldest age is below the youngest.")
            last = first
        ranges: dict[str, Range] = {}
        for label, spans in self.table(f"{path}.ranges", entry.get("ranges", {})).items():
            at = f"{path}.ranges.{label}"
            if label not in LEUKOCYTES:
                self.wrong(at, f"There is no leukocyte class called {str(label)[:60]!r}.")
                continue
            ranges[Label(label)] = self.range(at, spans)
        ranges = {label: ranges[label] for label in LEUKOCYTES if label in ranges}
        return AgeGroup(name.strip(), first, last, ranges)

    def range(self, path: str, value: Any) -> Range:
        spans = self.table(path, value)
        for kind in spans:
            if kind not in ("percent", "absolute"):
                self.wrong(f"{path}.{kind}", "A range is in percent or absolute.")
        return Range(
            self.span(f"{path}.percent", spans.get("percent"), HIGHEST["percent"]),
            self.span(f"{path}.absolute", spans.get("absolute"), HIGHEST["absolute"]),
        )

    def span(self, path: str, value: Any, highest: Decimal) -> Span | None:
        if value is None:
            return None
        if not isinstance(value, list | tuple) or len(value) != 2:
            self.wrong(path, "A range has a low and a high end.")
            return None
        low, high = (_decimal(end) for end in value)
        if low is None or high is None:
            self.wrong(path, "Give both ends of the range as numbers, or neither.")
            return None
        if not 0 <= low <= highest or not 0 <= high <= highest:
            self.wrong(path, f"Both ends lie between 0 and {highest}.")
            return None
        if _digits(low) > 3 or _digits(high) > 3:
            self.wrong(path, "Give at most three digits after the point.")
            return None
        if low > high:
            self.wrong(path, "The low end is above the high end.")
            return None
        return low, high

    def apart(self, path: str, groups: list[AgeGroup]) -> None:
        """Each age is in one group, and each name is one group's."""
        for place, group in enumerate(groups):
            for other in groups[:place]:
                if group.name and group.name.casefold() == other.name.casefold():
                    self.wrong(f"{path}.{place}.name", "Another age group has this name.")
                if group.holds(other.first) or other.holds(group.first):
                    self.wrong(
                        f"{path}.{place}.first",
                        f"These ages overlap with those of {other.name or 'another group'} "
                        f"({other.ages}).",
                    )

    def flags(self, path: str, value: Any) -> tuple[FlagRule, ...]:
        entries = self.table(path, value)
        codes = {rule.code for rule in FLAGS}
        for code in entries:
            if code not in codes:
                self.wrong(f"{path}.{code}", f"There is no flag called {str(code)[:60]!r}.")
        rules = tuple(
            self.flag(f"{path}.{rule.code}", rule, entries[rule.code])
            if rule.code in entries
            else rule
            for rule in FLAGS
        )
        self.in_order(path, {rule.code: rule for rule in rules})
        return rules

    def flag(self, path: str, rule: FlagRule, value: Any) -> FlagRule:
        entry = self.table(path, value)
        level = entry.get("level", rule.level)
        if level not in Level.values:
            self.wrong(f"{path}.level", f"Choose one of: {', '.join(Level.labels).lower()}.")
            level = rule.level
        limit = entry.get("limit", rule.limit)
        if limit is None:
            return replace(rule, limit=None, level=level)
        number = _decimal(limit)
        if rule.unit == "cells":
            if number is None or not 1 <= number <= HIGHEST["cells"] or _digits(number):
                self.wrong(
                    f"{path}.limit", "Give a whole number of cells, 1 or more, or leave it empty."
                )
                return rule
        elif number is None or not 0 < number <= HIGHEST["absolute"] or _digits(number) > 3:
            self.wrong(
                f"{path}.limit",
                "Give a number above 0 and up to 1000 (×10⁹/L), with at most three digits after "
                "the point, or leave it empty to switch the flag off.",
            )
            return rule
        return replace(rule, limit=number, level=level)

    def in_order(self, path: str, rules: Mapping[str, FlagRule]) -> None:
        for ladder in LADDERS:
            steps = [rules[code] for code in ladder if rules[code].limit is not None]
            for milder, stronger in pairwise(steps):
                self.further_out(path, milder, stronger)
        low, high = rules["wbc_low"].limit, rules["wbc_high"].limit
        if low is not None and high is not None and low >= high:
            self.wrong(
                f"{path}.wbc_high.limit",
                f"The high limit of total WBC is not above the low one ({low}).",
            )

    def further_out(self, path: str, milder: FlagRule, stronger: FlagRule) -> None:
        near, far = milder.limit or Decimal(0), stronger.limit or Decimal(0)
        if far < near if milder.upward else far > near:
            self.wrong(
                f"{path}.{stronger.code}.limit",
                f"This limit is {'below' if milder.upward else 'above'} that of "
                f"{milder.name.lower()} ({near}).",
            )


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _decimal(value: Any) -> Decimal | None:
    """The number as it is written; None for what is none (yes and no are not)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _digits(number: Decimal) -> int:
    """Digits after the point that say something."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -int(exponent))
