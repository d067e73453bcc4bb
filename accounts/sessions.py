"""Open sessions of a person: where they are signed in, and ending that."""

from typing import Any

from allauth.usersessions.models import UserSession

from accounts.models import Organisation, User

_BROWSERS = (
    ("Edg/", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def describe(user_agent: str) -> str:
    """ "Firefox on Windows" from a User-Agent header; "Unknown browser" where nothing is known."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "Unknown browser")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return f"{browser} on {system}" if system else browser


def open_sessions(*, person: User, current_key: str | None) -> list[dict[str, Any]]:
    """The person's live sessions, the one asking first, then by last sign-in."""
    rows = [
        {
            "pk": row.pk,
            "device": describe(row.user_agent),
            "address": row.ip,
            "since": row.created_at,
            "current": row.session_key == current_key,
        }
        for row in UserSession.objects.purge_and_list(person)
    ]
    return sorted(rows, key=lambda row: (not row["current"], -row["since"].timestamp()))


def end_all(*, person: User, but: str | None = None) -> int:
    """End the person's sessions, except the one with key ``but``; how many were ended."""
    ended = 0
    for row in UserSession.objects.filter(user=person).exclude(session_key=but or ""):
        row.end()
        ended += 1
    return ended


def end_all_of(*, organisation: Organisation) -> None:
    for row in UserSession.objects.filter(user__organisation=organisation):
        row.end()
