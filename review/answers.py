"""What clinicians said of a reading centre's reports."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.permissions import visible_cases
from review.choices import Answered
from review.models import Feedback, Signature

LATEST = 50
SPAN = timedelta(days=90)


@dataclass(frozen=True)
class Share:
    """One answer: how often it was given."""

    value: str
    label: str
    count: int
    percent: float  # of all answers, 0 to 100


@dataclass(frozen=True)
class Answers:
    total: int
    shares: list[Share]
    latest: list[Feedback]


def answers_to(user: User, *, days: int | None, answered: str = "") -> Answers:
    """Answers to reports that this person's organisation signed, on cases that this person sees."""
    found = _answers(user)
    if days is not None:
        found = found.filter(at__gt=timezone.now() - timedelta(days=days))
    counts = dict(found.order_by().values_list("answered").annotate(number=Count("pk")))
    total = sum(counts.values())
    shares = [
        Share(each.value, str(each.label), counts.get(each.value, 0),
              100 * counts.get(each.value, 0) / total if total else 0.0)
        for each in Answered
    ]  # fmt: skip
    shown = found.filter(answered=answered) if answered in Answered.values else found
    latest = shown.select_related("report__case__organisation", "author").order_by("-at", "-pk")
    return Answers(total=total, shares=shares, latest=list(latest[:LATEST]))


def _answers(user: User) -> QuerySet[Feedback]:
    ours = Signature.objects.filter(signer__organisation=user.organisation_id).values("report")
    return Feedback.objects.filter(visible_cases(user, path="report__case__"), report__in=ours)
