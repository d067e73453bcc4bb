"""A specialist's worklist: what to read next, how much time is left, how far one is today."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Organisation, User
from patients.choices import CaseStatus, Priority
from patients.lists import organisations_read_by, seen_cases
from patients.models import Case
from patients.text import storable
from review.choices import ReadingKind, ReportState
from review.models import Act, Reading, Report, Signature
from review.policy import policy_of

PAGE_SIZE = 25
SECTIONS: dict[str, str] = {
    "mine": "Mine",
    "open": "To take",
    "opinions": "Second opinions",
    "second": "Second readings",
    "cosign": "Second signatures",
    "done": "Done",
}
# Stat before routine before background (the alphabet backwards), then the longest waiting.
MOST_URGENT = ("-priority", "submitted_at", "pk")


@dataclass(frozen=True)
class Due:
    """When a case should be answered, by the referring organisation's own times."""

    at: datetime
    left: timedelta

    @property
    def over(self) -> bool:
        return self.left < timedelta(0)

    @property
    def soon(self) -> bool:
        return not self.over and self.left < timedelta(minutes=30)

    @property
    def words(self) -> str:
        """ "2 h 10 min left", "35 min over"."""
        minutes = int(abs(self.left).total_seconds() // 60)
        days, rest = divmod(minutes, 24 * 60)
        hours, minutes = divmod(rest, 60)
        if days:
            span = f"{days} d {hours} h" if hours else f"{days} d"
        elif hours:
            span = f"{hours} h {minutes} min" if minutes else f"{hours} h"
        else:
            span = f"{minutes} min"
        return f"{span} {'over' if self.over else 'left'}"


@dataclass
class Worklist:
    """One person's worklist, as the address asks for it; whatever is wrong in it is ignored."""

    user: User
    section: str = "mine"
    text: str = ""
    priority: str = ""
    organisation: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_query(cls, user: User, query: Any) -> "Worklist":
        section, priority = query.get("section", ""), query.get("priority", "")
        return cls(
            user=user,
            section=section if section in SECTIONS else "",
            text=storable(query.get("q", "")[:200]).strip(),
            priority=priority if priority in Priority.values else "",
            organisation=query.get("organisation", ""),
        )

    def settle(self) -> None:
        """Count every section; without one in the address, the first that holds something opens."""
        self.counts = {section: self.of(section).count() for section in SECTIONS}
        if not self.section:
            self.section = next(
                (s for s in ("mine", "open", "opinions", "second", "cosign") if self.counts[s]),
                "open",
            )

    @property
    def filtered(self) -> bool:
        return bool(self.text or self.priority or self.organisation)

    @property
    def sections(self) -> list[tuple[str, str, int]]:
        """(value, label, count); second readings and signatures only where there are any."""
        rare = ("opinions", "second", "cosign")
        return [
            (value, label, self.counts[value])
            for value, label in SECTIONS.items()
            if self.counts[value] or value not in rare or value == self.section
        ]

    def cases(self) -> QuerySet[Case]:
        return self.of(self.section)

    def of(self, section: str) -> QuerySet[Case]:
        """The cases of one section in reading order; those done, the newest first."""
        found = seen_cases(
            self.user, text=self.text, priority=self.priority, organisation=self.organisation
        )
        if section == "done":
            mine = Signature.objects.filter(report__case=OuterRef("pk"), signer=self.user)
            return found.filter(Exists(mine)).order_by("-updated_at", "-pk")
        return found.filter(_IN[section](self.user)).order_by(*MOST_URGENT)

    def organisations(self) -> list[Organisation]:
        """Whose cases this person reads."""
        return organisations_read_by(self.user)


def _opinions(user: User) -> Q:
    asked = Reading.objects.filter(
        case=OuterRef("pk"), kind=ReadingKind.OPINION, reader=user, finished_at__isnull=True
    )
    return Q(Exists(asked))


def _second(user: User) -> Q:
    """Blinded second readings that are mine, or that nobody has and I may take."""
    waiting = Reading.objects.filter(
        case=OuterRef("pk"), kind=ReadingKind.SECOND, finished_at__isnull=True
    )
    mine = waiting.filter(reader=user)
    free = waiting.filter(reader__isnull=True)
    read = Act.objects.filter(reading__case=OuterRef("pk"), reader=user)
    advised = Reading.objects.filter(case=OuterRef("pk"), kind=ReadingKind.OPINION, reader=user)
    return Q(Exists(mine)) | Q(Exists(free)) & ~Q(Exists(read)) & ~Q(Exists(advised)) & ~Q(
        reader=user
    )


def _cosign(user: User) -> Q:
    waiting = Report.objects.filter(case=OuterRef("pk"), state=ReportState.AWAITING).exclude(
        signatures__signer=user
    )
    return Q(Exists(waiting))


_IN = {
    "mine": lambda user: Q(reader=user),
    "open": lambda _user: Q(status=CaseStatus.READY),
    "opinions": _opinions,
    "second": _second,
    "cosign": _cosign,
}


@dataclass(frozen=True)
class Progress:
    """How far a person is today: cases signed, of those and what they still hold."""

    signed: int
    held: int

    @property
    def total(self) -> int:
        return self.signed + self.held


def progress_today(user: User) -> Progress:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    signed = (
        Signature.objects.filter(signer=user, at__gte=midnight)
        .values("report__case")
        .distinct()
        .count()
    )
    return Progress(signed=signed, held=Case.objects.filter(reader=user).count())


def mark_due(cases: list[Case], *, now: datetime | None = None) -> None:
    """Set ``case.due`` on each submitted case that is not answered yet (None otherwise).

    One query an organisation.
    """
    now = now or timezone.now()
    policies: dict[int, Any] = {}
    for case in cases:
        case.due = None  # type: ignore[attr-defined]
        if case.submitted_at is None or case.status in (CaseStatus.SIGNED, CaseStatus.WITHDRAWN):
            continue
        if case.organisation_id not in policies:
            policies[case.organisation_id] = policy_of(case.organisation)
        minutes = policies[case.organisation_id].turnaround[case.priority]
        at = case.submitted_at + timedelta(minutes=minutes)
        case.due = Due(at=at, left=at - now)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Place:
    """Where a case stands in its reader's own list, and its neighbours there."""

    number: int
    total: int
    previous: Case | None
    following: Case | None


def place_of(user: User, case: Case) -> Place | None:
    """None for a case that the person does not hold."""
    mine = list(Worklist(user=user).of("mine").values_list("pk", flat=True))
    if case.pk not in mine:
        return None
    at = mine.index(case.pk)
    around = Case.objects.in_bulk(mine[at - 1 : at] + mine[at + 1 : at + 2])
    return Place(
        number=at + 1,
        total=len(mine),
        previous=around.get(mine[at - 1]) if at else None,
        following=around.get(mine[at + 1]) if at + 1 < len(mine) else None,
    )


def next_to_read(user: User) -> Case | None:
    """The most urgent case that the person holds."""
    return Worklist(user=user).of("mine").first()


def next_to_take(user: User) -> Case | None:
    """The most urgent case that nobody holds."""
    return Worklist(user=user).of("open").first()
