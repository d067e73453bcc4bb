"""Telling people: one notice a person and thing, in the transaction of the fact itself."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from patients.models import Case
from review.choices import MailState
from review.models import Notice, NoticePreference
from review.notices.kinds import KINDS, Kind, Wanted

# Of one fact. A reading centre with more specialists than this has a worklist to look at.
MOST_RECIPIENTS = 200
# E-mails that went out, or may have.
GONE = (MailState.SENDING, MailState.SENT, MailState.FAILED, MailState.UNKNOWN)


@transaction.atomic
def notify(
    *,
    kind: str,
    recipients: Iterable[User],
    key: str,
    case: Case | None = None,
    actor: User | None = None,
    mail: bool | None = None,
) -> int:
    """Tell these people of one thing; how many were told. Called inside the fact's transaction.

    ``key`` names the thing: told twice is told once. Whoever caused it (``actor``) is left out, and
    so are people whose role does not get this kind. ``mail`` overrides what each person prefers.
    Things of a kind that is gathered join the unread notice about the same case.
    """
    about = KINDS[kind]
    people = {
        person.pk: person
        for person in recipients
        if person.is_active
        and person.role in about.defaults
        and (actor is None or person.pk != actor.pk)
    }
    wanted = _wanted(kind, about, people)
    rows = Notice.objects.select_for_update().filter(recipient__in=people, kind=kind)
    rows = rows.filter(case=case) if about.gathers else rows.filter(key=key)
    earlier: dict[int, list[Notice]] = {}
    for row in rows.order_by("pk"):
        earlier.setdefault(row.recipient_id, []).append(row)
    now = timezone.now()
    new = []
    told = 0
    for pk in people:
        if not (wanted[pk].on_screen or wanted[pk].by_mail or mail):
            continue
        theirs = earlier.get(pk, [])
        if any(key == row.key or key in row.gathered for row in theirs):
            continue
        told += 1
        if theirs and _takes_more(theirs[-1], about):
            _gather(theirs[-1], key)
            continue
        by_mail = wanted[pk].by_mail if mail is None else mail
        new.append(
            Notice(
                recipient_id=pk,
                kind=kind,
                case=case,
                key=key,
                on_screen=wanted[pk].on_screen,
                mail=MailState.WAITING if by_mail else MailState.NONE,
                mail_at=now + about.mail_after if by_mail else None,
            )
        )
    # Somebody else may tell the same at this moment: whoever is second changes nothing.
    Notice.objects.bulk_create(new, ignore_conflicts=True)
    if any(row.mail == MailState.WAITING and row.mail_at == now for row in new):
        transaction.on_commit(_ring, robust=True)
    return told


def _wanted(kind: str, about: Kind, people: dict[int, User]) -> dict[int, Wanted]:
    """How each of them wants to hear of it. One query, none for what nobody may switch off."""
    wanted = {pk: about.defaults[person.role] for pk, person in people.items()}
    if not about.always:
        for row in NoticePreference.objects.filter(kind=kind, user__in=people):
            wanted[row.user_id] = Wanted(row.on_screen, row.by_mail)
    return wanted


def _takes_more(row: Notice, about: Kind) -> bool:
    """An unread notice takes further things in. Where its e-mail alone says so, or must reach the
    person, only until that has gone: what comes later gets an e-mail of its own."""
    mail_counts = about.always or not row.on_screen
    return about.gathers and row.read_at is None and not (mail_counts and row.mail in GONE)


def _gather(row: Notice, key: str) -> None:
    row.gathered.append(key)
    row.count = 1 + len(row.gathered)
    row.created_at = timezone.now()
    row.save(update_fields=["gathered", "count", "created_at"])


def _ring() -> None:
    """The mail run now instead of at its next beat."""
    from classifier.dispatch import ring
    from review.tasks import mail_notices

    ring(mail_notices)


def preferences_of(user: User) -> dict[str, Wanted]:
    """How a person hears of every kind that their role gets."""
    chosen: dict[str, Any] = {row.kind: row for row in user.notice_preferences.all()}
    return {
        kind: Wanted(chosen[kind].on_screen, chosen[kind].by_mail)
        if kind in chosen and not about.always
        else about.defaults[user.role]
        for kind, about in KINDS.items()
        if user.role in about.defaults
    }


@transaction.atomic
def preferences_set(*, user: User, wanted: dict[str, Wanted]) -> None:
    """Keep what differs from the defaults; kinds of other roles, and those that always reach people,
    are not touched."""
    for kind, want in wanted.items():
        about = KINDS[kind]
        if about.always or user.role not in about.defaults:
            continue
        if want == about.defaults[user.role]:
            NoticePreference.objects.filter(user=user, kind=kind).delete()
        else:
            NoticePreference.objects.update_or_create(
                user=user,
                kind=kind,
                defaults={"on_screen": want.on_screen, "by_mail": want.by_mail},
            )
