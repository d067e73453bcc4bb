"""What happened to cases since a person last had them before them. Two queries for a whole page."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Count, Q

from accounts.models import Role, User
from audit.models import AuditEvent
from patients.choices import CaseStatus
from patients.models import Case
from review.models import CaseVisit

# Action -> what it is called, once and several times. The status is said as it is now.
WORDS: dict[str, tuple[str, str]] = {
    "critical.raised": ("critical result", "{} critical results"),
    "report.superseded": ("report amended", "report amended"),
    "comment.added": ("message", "{} messages"),
    "image.received": ("picture", "{} pictures"),
    "case.edited": ("details changed", "details changed"),
}
STATUS = frozenset(
    {
        "case.status", "case.submitted", "case.claimed", "case.released", "case.handed_over",
        "case.reopened", "case.withdrawn",
    }
)  # fmt: skip


@dataclass(frozen=True)
class News:
    """``since`` they last looked, ``words`` say what is new; empty when nothing is."""

    since: datetime
    words: tuple[str, ...]


def news_of(user: User, cases: Sequence[Case]) -> dict[int, News]:
    """By the primary key of the case. A case that somebody else opened and this person never
    looked at is not news, however much there is in it: two queries, whatever the number."""
    since = dict(CaseVisit.objects.filter(user=user, case__in=cases).values_list("case_id", "at"))
    for case in cases:
        if case.created_by_id == user.pk:
            since.setdefault(case.pk, case.created_at)
    return _news(user, [(case, since[case.pk]) for case in cases if case.pk in since])


def news_since(user: User, case: Case, since: datetime | None) -> News | None:
    """Of one case, since a known moment; None for the first look."""
    return _news(user, [(case, since)]).get(case.pk) if since else None


def _news(user: User, looks: Iterable[tuple[Case, datetime]]) -> dict[int, News]:
    looked = list(looks)
    if not looked:
        return {}
    later = reduce(or_, (Q(case_id=case.public_id, at__gt=since) for case, since in looked))
    events = (
        AuditEvent.objects.filter(later, action__in=[*WORDS, *STATUS])
        .exclude(actor=user.pk)
        # The model is done: expected, and no person's act.
        .exclude(actor__isnull=True, action="case.status")
        .order_by()
        .values_list("case_id", "action")
        .annotate(number=Count("pk"))
    )
    happened: dict[object, Counter[str]] = {}
    for case_id, action, number in events:
        happened.setdefault(case_id, Counter())[action] += number
    return {
        case.pk: News(since, tuple(_words(user, case, happened[case.public_id])))
        for case, since in looked
        if case.public_id in happened
    }


def _words(user: User, case: Case, happened: Counter[str]) -> list[str]:
    words = [
        (one if happened[action] == 1 else many.format(happened[action]))
        for action, (one, many) in WORDS.items()
        if happened[action]
    ]
    if STATUS & happened.keys() and not happened["report.superseded"]:
        signed = case.status == CaseStatus.SIGNED
        words.insert(
            1 if happened["critical.raised"] else 0,
            "report signed" if signed else f"now {case.get_status_display().lower()}",
        )
    # A specialist's desk says how a case stands; what the clinic added is what they may miss.
    if user.role == Role.SPECIALIST:
        words = [word for word in words if not word.startswith("now ")]
    return words
