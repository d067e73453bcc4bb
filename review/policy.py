"""The rules that an organisation reads by: ranges, flags, critical results, times, second readings.

What ships is the house's; an organisation's newest ``ReadingPolicy`` row overrides it. Nothing here
is a diagnosis.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models

from accounts.models import Organisation
from patients.choices import Priority
from review.choices import Label
from review.models import ReadingPolicy

HOUSE = "house defaults"
ADULT = 18  # whole years; an unknown age is read as an adult's
TARGETS = (100, 200)
WBC = "wbc"  # the quantity of a rule that is no class: total WBC
Span = tuple[Decimal, Decimal]


class Level(models.TextChoices):
    """What a flag asks for, weakest first."""

    NOTE = "note", "Noted"
    REVIEW = "review", "Film review"
    URGENT = "urgent", "Urgent"
    CRITICAL = "critical", "Critical result"


@dataclass(frozen=True)
class Range:
    """What is usual of one class, both ends included; None where the rules name no range."""

    percent: Span | None = None
    absolute: Span | None = None  # 10*9/L


@dataclass(frozen=True)
class AgeGroup:
    """Reference ranges of the ages from ``first`` to ``last`` whole years, both included."""

    name: str
    first: int
    last: int | None  # None: and older
    ranges: Mapping[str, Range]

    def holds(self, age: int) -> bool:
        return self.first <= age and (self.last is None or age <= self.last)

    @property
    def ages(self) -> str:
        if self.last is None:
            return f"{self.first} years and older"
        if self.last == self.first:
            return f"{self.first} years"
        return f"{self.first} to {self.last} years"


@dataclass(frozen=True)
class FlagRule:
    """One limit: ``quantity`` (a leukocyte label or WBC) against ``limit``, in ``unit``."""

    code: str
    name: str
    quantity: str
    relation: str  # >, >=, < or <=
    limit: Decimal | None  # None: the organisation has switched it off
    level: str = Level.NOTE
    unit: str = "10*9/L"  # or "cells", for what counts at the first cell
    first_age: int = 0  # whole years from which it applies

    @property
    def upward(self) -> bool:
        return self.relation.startswith(">")


def _adult(percent: tuple[str, str], absolute: tuple[str, str]) -> Range:
    return Range(
        (Decimal(percent[0]), Decimal(percent[1])), (Decimal(absolute[0]), Decimal(absolute[1]))
    )


# ARUP test 0040005 (manual differential, %), Labcorp and Henry's Clinical Diagnosis (10*9/L).
# Laboratories differ widely (PMC7082321, table T6): hence a table for each organisation.
ADULTS = AgeGroup(
    name="Adults",
    first=ADULT,
    last=None,
    ranges={
        Label.NEUTROPHIL: _adult(("45", "79"), ("1.8", "7.8")),
        Label.LYMPHOCYTE: _adult(("16", "47"), ("1.0", "4.8")),
        Label.MONOCYTE: _adult(("0", "9"), ("0", "0.80")),
        Label.EOSINOPHIL: _adult(("0", "6"), ("0", "0.45")),
        Label.BASOPHIL: _adult(("0", "2"), ("0", "0.20")),
    },
)


def _rule(code: str, name: str, quantity: str, limit: str, level: str, **more: Any) -> FlagRule:
    relation, number = limit.split()
    return FlagRule(code, name, quantity, relation, Decimal(number), level, **more)


# Children have more lymphocytes (the consensus rules of ISLH, Barnes et al. 2005, give them limits
# of their own), so these limits are an adult's.
FLAGS: tuple[FlagRule, ...] = (
    _rule("eosinophilia", "Eosinophilia", Label.EOSINOPHIL, "> 0.5", Level.NOTE),
    _rule("hypereosinophilia", "Hypereosinophilia", Label.EOSINOPHIL, ">= 1.5", Level.NOTE),
    _rule("eosinophils_urgent", "Marked eosinophilia", Label.EOSINOPHIL, "> 10", Level.URGENT),
    _rule("monocytosis", "Monocytosis", Label.MONOCYTE, "> 1.0", Level.NOTE),
    _rule(
        "lymphocytosis", "Lymphocytosis", Label.LYMPHOCYTE, "> 3.5", Level.NOTE, first_age=ADULT
    ),
    _rule("neutropenia", "Neutropenia", Label.NEUTROPHIL, "< 1.8", Level.NOTE),
    _rule("severe_neutropenia", "Severe neutropenia", Label.NEUTROPHIL, "< 0.5", Level.CRITICAL),
    _rule("blasts", "Blasts", Label.BLAST, ">= 1", Level.CRITICAL, unit="cells"),
    _rule("wbc_low", "Low total WBC", WBC, "<= 2", Level.REVIEW),
    _rule("wbc_high", "High total WBC", WBC, "> 30", Level.REVIEW),
    _rule("neutrophils_review", "Few neutrophils", Label.NEUTROPHIL, "< 1.0", Level.REVIEW),
    _rule(
        "lymphocytes_review", "Many lymphocytes", Label.LYMPHOCYTE, "> 6.0", Level.REVIEW,
        first_age=ADULT,
    ),
    _rule("eosinophils_review", "Many eosinophils", Label.EOSINOPHIL, "> 2.0", Level.REVIEW),
    _rule("monocytes_review", "Many monocytes", Label.MONOCYTE, "> 2.0", Level.REVIEW),
)  # fmt: skip
TURNAROUND: Mapping[str, int] = {
    Priority.STAT: 60,
    Priority.ROUTINE: 24 * 60,
    Priority.BACKGROUND: 3 * 24 * 60,
}


@dataclass(frozen=True)
class Policy:
    """An organisation's rules at one moment. Without arguments: the house's."""

    identity: str = HOUSE
    number: int = 0  # of the row; 0 where there is none
    since: datetime | None = None
    read_before_model: float = 0.0  # share of cases, 0 to 1
    second_reading: float = 0.0  # share of cases, 0 to 1
    two_signers: bool = False
    target_cells: int = 100
    turnaround: Mapping[str, int] = field(default_factory=lambda: dict(TURNAROUND))  # minutes
    escalate_after: int = 30  # minutes without an acknowledgement
    age_groups: tuple[AgeGroup, ...] = (ADULTS,)
    flags: tuple[FlagRule, ...] = FLAGS

    def group_for(self, age: int | None) -> AgeGroup | None:
        """The age group of so many whole years (None: read as an adult's); None if there is none."""
        years = ADULT if age is None else age
        return next((group for group in self.age_groups if group.holds(years)), None)

    def ranges_for(self, age: int | None) -> Mapping[str, Range]:
        """Label -> range at this age; empty where the rules name no range for it."""
        group = self.group_for(age)
        return group.ranges if group else {}

    def rules_for(self, age: int | None) -> list[FlagRule]:
        """The flag rules in force at this age."""
        years = ADULT if age is None else age
        return [rule for rule in self.flags if rule.limit is not None and rule.first_age <= years]


def policy_of(organisation: Organisation) -> Policy:
    """The organisation's rules in force now. One query."""
    row = ReadingPolicy.objects.filter(organisation=organisation).order_by("-number").first()
    return Policy() if row is None else policy_from(row, name=organisation.name)


def policy_from(row: ReadingPolicy, *, name: str) -> Policy:
    """The rules as this row set them, over the house's of today."""
    from review.policy_values import parse

    return Policy(
        identity=f"{name}, rules {row.number}",
        number=row.number,
        since=row.created_at,
        **parse(row.values),
    )
