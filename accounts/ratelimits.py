"""How often somebody may try something, counted where sign-in counts: in the database's cache."""

from allauth.core.internal import ratelimit
from django.http import HttpRequest

# As allauth writes them: so many in a time, per "ip" (the address) or per "user".
LIMITS = {
    "prove": "10/m/user",  # password or second factor once more
    "verify": "20/m/ip",  # codes of printed reports
}


def within_limit(request: HttpRequest, action: str) -> bool:
    """Count one try of ``action``; False when this address or person has had too many."""
    return count_try(request, action) is not None


def count_try(request: HttpRequest, action: str) -> ratelimit.RateLimitUsage | None:
    """The same, to be given back (``rollback``) where only tries that fail should count."""
    return ratelimit.consume(request, app="teleheme", action=action, config=LIMITS, limit_get=True)
