"""What an organisation's rules say in words, what changed from one row to the next, and since when."""

from dataclasses import dataclass

from accounts.models import Organisation
from patients.choices import Priority
from review import figures
from review.choices import LEUKOCYTES
from review.flags import PLURALS, limit_words
from review.models import ReadingPolicy
from review.policy import WBC, FlagRule, Level, Policy, Range, policy_from

NOTHING = "none"


@dataclass(frozen=True)
class Entry:
    """One row of the history, with what it changed."""

    row: ReadingPolicy
    policy: Policy
    changes: list[str]


def described(policy: Policy) -> dict[str, tuple[str, str]]:
    """Every value of the rules: path -> (what it is, what it says)."""
    said = {
        "target_cells": ("Cells to count", str(policy.target_cells)),
        "two_signers": ("Two signatures", "yes" if policy.two_signers else "no"),
        "read_before_model": ("Read before the model", _share(policy.read_before_model)),
        "second_reading": ("Second reading", _share(policy.second_reading)),
        "escalate_after": ("Escalation", f"after {policy.escalate_after} min"),
    }
    for priority in Priority:
        said[f"turnaround.{priority}"] = (
            f"Turnaround, {priority.label.lower()}",
            f"{policy.turnaround[priority]} min",
        )
    for group in policy.age_groups:
        said[f"age_groups.{group.name}"] = (f"Ages of {group.name}", group.ages)
        for label in LEUKOCYTES:
            if usual := _range(group.ranges.get(label, Range())):
                said[f"age_groups.{group.name}.{label}"] = (
                    f"{group.name}, {PLURALS[label]}", usual,
                )  # fmt: skip
    for rule in policy.flags:
        said[f"flags.{rule.code}"] = (rule.name, rule_words(rule))
    return said


def rule_words(rule: FlagRule) -> str:
    """ "above 0.5 ×10⁹/L, noted"."""
    if rule.limit is None:
        return "switched off"
    unit = "cells" if rule.unit == "cells" else figures.UNIT
    return f"{limit_words(rule)} {unit}, {Level(rule.level).label.lower()}"


def quantity_words(rule: FlagRule) -> str:
    return "total WBC" if rule.quantity == WBC else PLURALS[rule.quantity]


def changed_paths(before: Policy, after: Policy) -> list[str]:
    """The paths of what differs between two sets of rules."""
    old, new = described(before), described(after)
    return sorted(path for path in {*old, *new} if old.get(path) != new.get(path))


def differences(before: Policy, after: Policy) -> list[str]:
    """The same in words: "Eosinophilia: above 0.5 ×10⁹/L, noted → above 0.6 ×10⁹/L, noted"."""
    old, new = described(before), described(after)
    lines = []
    for path in [*new, *(path for path in old if path not in new)]:
        what = (new.get(path) or old[path])[0]
        was, now = old.get(path, ("", NOTHING))[1], new.get(path, ("", NOTHING))[1]
        if was != now:
            lines.append(f"{what}: {was} → {now}")
    return lines


def history(organisation: Organisation) -> list[Entry]:
    """All that was ever set, newest first. One query."""
    rows = (
        ReadingPolicy.objects.filter(organisation=organisation)
        .select_related("created_by")
        .order_by("number")
    )
    entries, before = [], Policy()
    for row in rows:
        policy = policy_from(row, name=organisation.name)
        entries.append(Entry(row, policy, differences(before, policy)))
        before = policy
    return entries[::-1]


def since(entries: list[Entry]) -> dict[str, ReadingPolicy]:
    """Path -> the row that set the value in force, or took it away; without one: the house's."""
    found: dict[str, ReadingPolicy] = {}
    house = described(Policy())
    before = house
    for entry in reversed(entries):
        now = described(entry.policy)
        for path in {*before, *now}:
            if before.get(path) != now.get(path):
                found[path] = entry.row
        before = now
    return {path: row for path, row in found.items() if before.get(path) != house.get(path)}


def _share(share: float) -> str:
    return "never" if share == 0 else "every case" if share == 1 else f"{share:g} of the cases"


def _range(usual: Range) -> str:
    parts = []
    if usual.percent is not None:
        parts.append(f"{figures.span(usual.percent)} %")
    if usual.absolute is not None:
        parts.append(f"{figures.span(usual.absolute)} {figures.UNIT}")
    return ", ".join(parts)
