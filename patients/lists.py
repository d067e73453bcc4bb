"""The case list: what the address asks for, as a query. Whatever is wrong in it is ignored."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from accounts.models import Organisation, Role, User
from patients.choices import CaseStatus, Priority
from patients.models import Case, SmearImage
from patients.querysets import CaseQuerySet
from patients.text import storable

PAGE_SIZE = 25
OPEN = (CaseStatus.CLASSIFYING, CaseStatus.READY, CaseStatus.IN_REVIEW)
# Choice -> (label, order). "-priority": stat before routine before background, the alphabet
# backwards (and an index: Case.Meta).
SORTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "newest": ("Newest first", ("-created_at", "-pk")),
    "oldest": ("Oldest first", ("created_at", "pk")),
    "urgent": ("Most urgent first", ("-priority", "submitted_at", "pk")),
    "patient": ("Patient's name", ("patient__family_name", "patient__given_name", "pk")),
}


@dataclass
class CaseList:
    """One person's list. ``status`` is a status, "open" or "all"."""

    user: User
    text: str = ""
    status: str = ""
    priority: str = ""
    mine: bool = False
    organisation: str = ""
    sort: str = ""
    statuses: list[tuple[str, str, int]] = field(default_factory=list)

    @classmethod
    def from_query(cls, user: User, query: Any) -> "CaseList":
        """From ``request.GET``; unknown values fall back to the role's own default."""
        specialist = user.role == Role.SPECIALIST
        status, sort = query.get("status", ""), query.get("sort", "")
        if status not in {*CaseStatus.values, "open", "all"}:
            status = "open" if specialist else "all"
        if sort not in SORTS:
            sort = "urgent" if specialist else "newest"
        priority = query.get("priority", "")
        return cls(
            user=user,
            text=storable(query.get("q", "")[:200]).strip(),
            status=status,
            priority=priority if priority in Priority.values else "",
            mine=query.get("mine") == "1",
            organisation=query.get("organisation", ""),
            sort=sort,
        )

    @property
    def filtered(self) -> bool:
        """Something narrows the list beyond the status."""
        return bool(self.text or self.priority or self.mine or self.organisation)

    def _before_status(self) -> CaseQuerySet:
        found = seen_cases(
            self.user, text=self.text, priority=self.priority, organisation=self.organisation
        )
        if self.mine:
            found = found.filter(Q(created_by=self.user) | Q(reader=self.user))
        return found

    def count_statuses(self) -> int:
        """Fill ``statuses`` with (value, label, count), and return how many the list holds."""
        counts = dict(self._before_status().order_by().values_list("status").annotate(Count("pk")))
        openly = sum(counts.get(status, 0) for status in OPEN)
        self.statuses = [("all", "All", sum(counts.values())), ("open", "Open", openly)]
        for status in CaseStatus:
            if status == CaseStatus.DRAFT and self.user.role == Role.SPECIALIST:
                continue
            self.statuses.append((status.value, str(status.label), counts.get(status.value, 0)))
        return next(count for value, _, count in self.statuses if value == self.status)

    def cases(self) -> CaseQuerySet:
        found = self._before_status()
        if self.status == "open":
            found = found.filter(status__in=OPEN)
        elif self.status != "all":
            found = found.filter(status=self.status)
        # Not joined: SQLite then starts from all patients. A page needs 25 of each.
        return found.order_by(*SORTS[self.sort][1]).prefetch_related(
            "patient", "organisation", "reader"
        )

    def organisations(self) -> list[Organisation]:
        """Whose cases a specialist reads; nothing to choose for a clinician."""
        if self.user.role != Role.SPECIALIST:
            return []
        return organisations_read_by(self.user)


def seen_cases(user: User, *, text: str, priority: str, organisation: str) -> CaseQuerySet:
    """The cases that a person sees, narrowed by what is not empty."""
    found = Case.objects.visible_to(user)
    if text:
        found = found.search(text)
    if priority:
        found = found.filter(priority=priority)
    if organisation:
        found = found.filter(organisation__public_id=_uuid(organisation))
    return found


def organisations_read_by(user: User) -> list[Organisation]:
    """Whose cases a specialist reads: their own organisation's, and by grant."""
    own = user.organisation_id
    return list(Organisation.objects.filter(Q(pk=own) | Q(grants_given__reading=own)).distinct())


def image_counts(cases: list[Case]) -> dict[int, int]:
    """Present pictures per case, one query for a whole page."""
    return dict(
        SmearImage.objects.filter(case__in=cases)
        .present()
        .order_by()
        .values_list("case")
        .annotate(Count("pk"))
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)  # nobody's
