"""Asking a signed-in person once more who they are, in the same request as the act that needs it."""

from allauth.account.adapter import get_adapter
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.models import User
from accounts.ratelimits import count_try

PASSWORD = "password"  # noqa: S105  the name of a method


class NotProven(Exception):
    """It was not shown who this is. ``field`` is the one to mend: "password" or "code"."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


def has_second_factor(user: User) -> bool:
    return bool(is_mfa_enabled(user, [Authenticator.Type.TOTP]))


def prove(request: HttpRequest, *, password: str, code: str) -> str:
    """How the person of this request proved who they are: "password", "totp" or "recovery_codes".

    A code counts before a password. Raises NotProven. Tries that fail are limited by person, and
    count with those of sign-in; of those that succeed there may be any number.
    """
    field = "code" if code else PASSWORD
    if not (code or password):
        raise NotProven("Give your password, or a code of your second factor.", field=field)
    counted = count_try(request, "prove")
    if counted is None:
        raise NotProven("Too many tries. Wait a minute, then try again.", field=field)
    method = _by_code(request, code) if code else _by_password(request, password)
    counted.rollback()
    return method


def _by_code(request: HttpRequest, code: str) -> str:
    form = ReauthenticateForm(data={"code": code}, user=request.user)
    if not form.is_valid():
        raise NotProven(str(form.errors["code"][0]), field="code")
    form.authenticator.record_usage()
    return str(Authenticator.Type(form.authenticator.type).value)


def _by_password(request: HttpRequest, password: str) -> str:
    try:
        if get_adapter(request).reauthenticate(request.user, password):
            return PASSWORD
    except ValidationError as refusal:  # too many wrong ones
        raise NotProven(refusal.messages[0], field=PASSWORD) from None
    raise NotProven("This is not your password.", field=PASSWORD)
