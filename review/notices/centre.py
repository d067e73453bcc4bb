"""The notice centre: what a person has been told, by day, and what of it they have read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from review.models import Notice, Report
from review.notices.kinds import KINDS, Kind, sentence

MOST_COUNTED = 100  # the bell says "99+" from here on


@dataclass(frozen=True)
class Line:
    """One notice as the page shows it."""

    notice: Notice
    about: Kind

    @property
    def words(self) -> str:
        return sentence(self.notice)


def unread_count(user: User) -> int:
    """For the bell: one query of an index, at most ``MOST_COUNTED``."""
    return Notice.objects.filter(recipient=user.pk).unread()[:MOST_COUNTED].count()


def by_day(notices: Iterable[Notice]) -> list[tuple[str, list[Line]]]:
    """Newest first, under "Today", "Yesterday" or the day."""
    today = timezone.localdate()
    days = groupby(notices, key=lambda notice: timezone.localdate(notice.created_at))
    return [
        (_day(day, today), [Line(notice, KINDS[notice.kind]) for notice in rows])
        for day, rows in days
    ]


def _day(day: date, today: date) -> str:
    if day == today:
        return "Today"
    return "Yesterday" if day == today - timedelta(days=1) else date_format(day, "j F Y")


def target(notice: Notice, user: User) -> str:
    """The address of what a notice is about, for the person who opens it."""
    if notice.case is None:
        return reverse("review:notices")
    case = notice.case.get_absolute_url()
    anchor = KINDS[notice.kind].anchor
    if anchor == "report":
        return _report(notice, user) or case
    if anchor == "desk":
        return reverse("review:desk", args=[notice.case.public_id])
    return f"{case}#{anchor}" if anchor else case


def _report(notice: Notice, user: User) -> str:
    """The report that the key names, or the case's newest; empty where there is none."""
    reports = Report.objects.visible_to(user).filter(case=notice.case_id).order_by("-version")
    kind, _, name = notice.key.partition(":")
    named = reports.filter(public_id=name) if kind == "report" else reports.none()
    report = named.first() or reports.first()
    return reverse("review:report", args=[report.public_id]) if report else ""


@transaction.atomic
def notice_read(*, actor: User, notice: Notice) -> None:
    """Read for the first time; later times change nothing."""
    Notice.objects.filter(pk=notice.pk, recipient=actor, read_at__isnull=True).update(
        read_at=timezone.now()
    )


def notices_read(*, actor: User) -> int:
    """All that the person has not read; how many that was."""
    return mark_read(Notice.objects.filter(recipient=actor))


@transaction.atomic
def mark_read(notices: "QuerySet[Notice]") -> int:
    """Those of them that are unread; how many that was. Locked in one order, that of the mail run
    and of whoever adds to them, so that none waits for another in a circle."""
    unread = notices.filter(on_screen=True, read_at__isnull=True).order_by("pk")
    found = list(unread.select_for_update().values_list("pk", flat=True))
    return Notice.objects.filter(pk__in=found).update(read_at=timezone.now())
