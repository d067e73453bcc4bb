"""Changes to people, organisations and reading grants. Each is one transaction with its record."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils import timezone

from accounts import mail, sessions
from accounts.errors import AddressTaken, LastAdministrator, NameTaken
from accounts.models import Organisation, ReadingGrant, Role, User
from audit.models import Outcome
from audit.services import record


def _active_administrators() -> set[int]:
    """Primary keys, locked until the transaction ends (SQLite's transactions take turns anyway)."""
    return set(
        User.objects.select_for_update(of=("self",))
        .filter(role=Role.ADMINISTRATOR, is_active=True, organisation__is_active=True)
        .values_list("pk", flat=True)
    )


@transaction.atomic
def refuse_losing_last_administrator(
    *, person: User, role: str, organisation: Organisation, is_active: bool
) -> None:
    """Raise LastAdministrator if this change to ``person`` leaves nobody to manage people."""
    stays = role == Role.ADMINISTRATOR and is_active and organisation.is_active
    if not stays and _active_administrators() == {person.pk}:
        raise LastAdministrator


@transaction.atomic
def person_add(
    *, by: User, email: str, full_name: str, role: str, organisation: Organisation
) -> User:
    """A new person without a password: the invitation lets them choose one.

    Raises AddressTaken.
    """
    if User.objects.filter(email__iexact=email.strip()).exists():
        raise AddressTaken("Somebody with this e-mail address is already here.")
    person = User.objects.create_user(
        email.strip(), None, full_name=full_name, role=role, organisation=organisation
    )
    record(action="person.added", actor=by, obj=person, role=role, organisation=organisation.pk)
    return person


def invitation_send(*, by: User, person: User, base_url: str) -> bool:
    """Send the link for the first password (again). True when the mail server took it.

    The mail goes out before anything is written: only what was sent is recorded as sent.
    """
    sent = mail.send_invitation(person=person, invited_by=by, base_url=base_url)
    with transaction.atomic():
        if sent:
            person.invited_at = timezone.now()
            person.save(update_fields=["invited_at"])
        record(
            action="person.invited",
            actor=by,
            obj=person,
            outcome=Outcome.DONE if sent else Outcome.FAILED,
        )
    return sent


@transaction.atomic
def person_edit(
    *,
    by: User,
    person: User,
    email: str,
    full_name: str,
    role: str,
    organisation: Organisation,
    is_active: bool,
) -> User:
    """Save what an administrator changed; access that changed ends every open session.

    The e-mail address can be mended only until the first sign-in. Raises LastAdministrator,
    AddressTaken.
    """
    row = (
        User.objects.select_for_update(of=("self",))
        .select_related("organisation")
        .get(pk=person.pk)
    )
    refuse_losing_last_administrator(
        person=row, role=role, organisation=organisation, is_active=is_active
    )
    new = {
        "full_name": full_name,
        "role": role,
        "organisation": organisation,
        "is_active": is_active,
    }
    if row.last_login is None:
        new["email"] = User.objects.normalize_email(email.strip()).lower()
        if User.objects.filter(email__iexact=new["email"]).exclude(pk=row.pk).exists():
            raise AddressTaken("Somebody with this e-mail address is already here.")
    changed = [name for name, value in new.items() if getattr(row, name) != value]
    if not changed:
        return row
    before = {"role": row.role, "organisation": row.organisation_id, "active": row.is_active}
    for name in changed:
        setattr(row, name, new[name])
    row.save(update_fields=changed)
    if {"role", "organisation", "is_active", "email"} & set(changed):
        sessions.end_all(person=row)
    record(
        action="person.edited",
        actor=by,
        obj=row,
        fields=sorted(changed),
        before=before,
        after={"role": role, "organisation": organisation.pk, "active": is_active},
    )
    return row


@transaction.atomic
def second_factor_reset(*, by: User, person: User) -> bool:
    """Take away the authenticator and recovery codes of somebody who lost them; False if none."""
    row = User.objects.select_for_update(of=("self",)).get(pk=person.pk)
    removed, _ = Authenticator.objects.filter(user=row).delete()
    if not removed:
        return False
    sessions.end_all(person=row)
    record(action="second_factor.reset", actor=by, obj=row)
    return True


@transaction.atomic
def organisation_add(*, by: User, name: str) -> Organisation:
    """Raises NameTaken."""
    _refuse_taken_name(name)
    organisation = Organisation.objects.create(name=name)
    record(action="organisation.added", actor=by, obj=organisation)
    return organisation


@transaction.atomic
def organisation_edit(
    *, by: User, organisation: Organisation, name: str, is_active: bool
) -> Organisation:
    """Rename, switch on or off. Switched off, its people are signed out and stay out.

    Raises NameTaken, LastAdministrator.
    """
    row = Organisation.objects.select_for_update().get(pk=organisation.pk)
    _refuse_taken_name(name, but=row)
    if row.is_active and not is_active:
        refuse_switching_off_last_administrators(row)
    new = {"name": name, "is_active": is_active}
    changed = [field for field, value in new.items() if getattr(row, field) != value]
    if not changed:
        return row
    for field in changed:
        setattr(row, field, new[field])
    row.save(update_fields=changed)
    if "is_active" in changed:
        sessions.end_all_of(organisation=row)
    record(
        action="organisation.edited", actor=by, obj=row, fields=sorted(changed), active=is_active
    )
    return row


def _refuse_taken_name(name: str, *, but: Organisation | None = None) -> None:
    others = Organisation.objects.filter(name__iexact=name)
    if but is not None:
        others = others.exclude(pk=but.pk)
    if others.exists():
        raise NameTaken("An organisation with this name is already here.")


@transaction.atomic
def refuse_switching_off_last_administrators(organisation: Organisation) -> None:
    """Raise LastAdministrator if everybody who manages people belongs to this organisation."""
    inside = User.objects.filter(organisation=organisation).values_list("pk", flat=True)
    if not _active_administrators() - set(inside):
        raise LastAdministrator


@transaction.atomic
def grant_give(*, by: User, referring: Organisation, reading: Organisation) -> ReadingGrant:
    """Specialists of ``reading`` see the submitted cases of ``referring`` from now on."""
    grant, made = ReadingGrant.objects.get_or_create(referring=referring, reading=reading)
    if made:
        record(action="grant.given", actor=by, obj=referring, reading=str(reading.public_id))
    return grant


@transaction.atomic
def grant_withdraw(*, by: User, referring: Organisation, reading: Organisation) -> bool:
    """False when there was no such grant."""
    removed, _ = ReadingGrant.objects.filter(referring=referring, reading=reading).delete()
    if removed:
        record(action="grant.withdrawn", actor=by, obj=referring, reading=str(reading.public_id))
    return bool(removed)


@transaction.atomic
def own_profile_edit(*, person: User, full_name: str, theme: str) -> User:
    """What everybody may change about themselves."""
    row = User.objects.select_for_update(of=("self",)).get(pk=person.pk)
    new = {"full_name": full_name, "theme": theme}
    changed = [name for name, value in new.items() if getattr(row, name) != value]
    if not changed:
        return row
    for name in changed:
        setattr(row, name, new[name])
    row.save(update_fields=changed)
    if "full_name" in changed:
        record(action="profile.edited", actor=row, obj=row, fields=["full_name"])
    return row


@transaction.atomic
def own_session_end(*, person: User, session: UserSession) -> None:
    """Sign out on one device."""
    session.end()
    record(action="sessions.ended", actor=person, obj=person, count=1)


@transaction.atomic
def own_sessions_end(*, person: User, but: str | None) -> int:
    """Sign out everywhere except the session with key ``but``."""
    ended = sessions.end_all(person=person, but=but)
    record(action="sessions.ended", actor=person, obj=person, count=ended)
    return ended
