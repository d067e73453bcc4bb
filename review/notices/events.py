"""From what happened to who is told of it."""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Role, User
from accounts.permissions import who_opens
from audit.models import AuditEvent
from patients.models import Case, Comment
from review.choices import NoticeKind
from review.models import CaseVisit, Notice, Reading, Report, Signature
from review.notices.centre import mark_read
from review.notices.telling import MOST_RECIPIENTS, notify

# What a look at the case itself settles. A report is read on its own page, and a critical result is
# acknowledged.
READ_AT_THE_DESK = (
    NoticeKind.CASE_READY,
    NoticeKind.CASE_HANDED,
    NoticeKind.CELL_UNREAD,
    NoticeKind.OPINION_ASKED,
)
READ_WITH_THE_CASE = (*READ_AT_THE_DESK, NoticeKind.COMMENT, NoticeKind.OPINION_GIVEN)


class CaseNotices:
    """The review's side of ``patients.ports.Following``."""

    def case_ready(self, *, case: Case) -> None:
        notify(
            kind=NoticeKind.CASE_READY,
            recipients=readers_of(case)[:MOST_RECIPIENTS],
            key=_key(case),
            case=case,
        )

    def case_taken(self, *, case: Case) -> None:
        settle(case, NoticeKind.CASE_READY)

    def cell_unread(self, *, case: Case, key: str) -> None:
        notify(
            kind=NoticeKind.CELL_UNREAD,
            recipients=who_opens_of(case, [case.created_by_id, _reader(case)]),
            key=key,
            case=case,
        )

    def comment_added(self, *, comment: Comment) -> None:
        notify(
            kind=NoticeKind.COMMENT,
            recipients=people_of(comment.case),
            key=_key(comment),
            case=comment.case,
            actor=comment.author,
        )

    def case_opened(self, *, case: Case, user: User) -> datetime | None:
        visit = CaseVisit.objects.filter(case=case, user=user).first()
        CaseVisit.objects.update_or_create(case=case, user=user, defaults={"at": timezone.now()})
        settle(case, *READ_WITH_THE_CASE, of=user)
        return visit.at if visit else None


def settle(case: Case, *kinds: str, of: User | None = None) -> None:
    """Unread notices of these kinds say nothing any more that needs doing: they are read, and mail
    about them need not go out. ``of`` one person, or of everybody."""
    notices = Notice.objects.filter(case=case, kind__in=kinds)
    mark_read(notices.filter(recipient=of) if of else notices)


def desk_opened(*, case: Case, user: User) -> None:
    """A specialist has the cells of the case before them."""
    settle(case, *READ_AT_THE_DESK, of=user)


def report_signed(report: Report) -> None:
    """To the clinician who asked, and to those of the clinic who wrote about the case; an amendment
    to everybody who had an earlier version as well."""
    case = report.case
    settle(case, NoticeKind.COSIGN_ASKED)
    amended = report.amends_id is not None
    ids: set[int | None] = {case.created_by_id, *_authors(case)}
    if amended:
        earlier = Report.objects.filter(case=case).exclude(pk=report.pk)
        ids |= set(earlier.values_list("receipts__reader", flat=True))
    notify(
        kind=NoticeKind.REPORT_AMENDED if amended else NoticeKind.REPORT_SIGNED,
        recipients=who_opens_of(case, ids).filter(role=Role.CLINICIAN),
        key=_key(report),
        case=case,
    )


def report_awaits(report: Report) -> None:
    """To the colleagues of the first signer, any of whom may sign second."""
    signers = list(report.signatures.values_list("signer", flat=True))
    notify(
        kind=NoticeKind.COSIGN_ASKED,
        recipients=readers_of(report.case)
        .filter(organisation=report.created_by.organisation_id)
        .exclude(pk__in=signers)[:MOST_RECIPIENTS],
        key=_key(report),
        case=report.case,
        actor=report.created_by,
    )


def report_returned(report: Report, *, by: User) -> None:
    settle(report.case, NoticeKind.COSIGN_ASKED)
    notify(
        kind=NoticeKind.REPORT_RETURNED,
        recipients=who_opens_of(report.case, [report.created_by_id]),
        key=_key(report),
        case=report.case,
        actor=by,
    )


def opinion_asked(reading: Reading) -> None:
    notify(
        kind=NoticeKind.OPINION_ASKED,
        recipients=who_opens_of(reading.case, [reading.reader_id]),
        key=_key(reading),
        case=reading.case,
        actor=reading.asked_by,
    )


def opinion_given(reading: Reading) -> None:
    """To whoever asked, and to whoever holds the case now."""
    notify(
        kind=NoticeKind.OPINION_GIVEN,
        recipients=who_opens_of(reading.case, [reading.asked_by_id, _reader(reading.case)]),
        key=_key(reading),
        case=reading.case,
        actor=reading.reader,
    )


def case_handed_over(reading: Reading, *, to: User) -> None:
    """A case may go to and fro: the event in its record says which time this was."""
    event = (
        AuditEvent.objects.filter(case_id=reading.case.public_id, action="case.handed_over")
        .order_by("-sequence")
        .values_list("sequence", flat=True)
        .first()
    )
    notify(
        kind=NoticeKind.CASE_HANDED,
        recipients=who_opens_of(reading.case, [to.pk]),
        key=f"event:{event}",
        case=reading.case,
    )


def readers_of(case: Case) -> QuerySet[User]:
    """The specialists who may read the case; one query."""
    return User.objects.filter(who_opens(case), role=Role.SPECIALIST).order_by("pk")


def people_of(case: Case) -> QuerySet[User]:
    """Who has to do with the case: opened it, wrote about it, reads it, signed it."""
    signers = Signature.objects.filter(report__case=case).values_list("signer", flat=True)
    return who_opens_of(case, chain([case.created_by_id, _reader(case)], _authors(case), signers))


def who_opens_of(case: Case, ids: Iterable[int | None]) -> QuerySet[User]:
    """Those of these people who may still open the case."""
    return User.objects.filter(who_opens(case), pk__in=set(filter(None, ids))).order_by("pk")


def _reader(case: Case) -> int | None:
    """As it is now: whoever wrote may have had the page open while somebody took the case."""
    return Case.objects.filter(pk=case.pk).values_list("reader", flat=True).first()


def _authors(case: Case) -> set[int]:
    return set(case.comments.values_list("author", flat=True))


def _key(obj: Case | Comment | Report | Reading) -> str:
    return f"{type(obj).__name__.lower()}:{obj.public_id}"
