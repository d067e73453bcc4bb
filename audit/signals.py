"""Sign-in and everything around it, recorded as allauth and Django report it."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.contrib.auth import signals as auth
from django.dispatch import receiver

from audit.models import Outcome
from audit.services import record


@receiver(auth.user_logged_in)
def signed_in(sender: Any, user: Any, **kwargs: Any) -> None:
    record(action="sign_in", actor=user, obj=user)


@receiver(auth.user_logged_out)
def signed_out(sender: Any, user: Any, **kwargs: Any) -> None:
    if user is not None:
        record(action="sign_out", actor=user, obj=user)


@receiver(auth.user_login_failed)
def sign_in_failed(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """The account, where there is one; never what was typed: it may be a password."""
    email = str(credentials.get("email") or credentials.get("username") or "")
    person = get_user_model()._default_manager.filter(email__iexact=email).first()
    record(
        action="sign_in.failed",
        obj=person,
        outcome=Outcome.FAILED,
        known_address=person is not None,
    )


@receiver(account.password_changed)
@receiver(account.password_set)
def password_changed(sender: Any, user: Any, **kwargs: Any) -> None:
    record(action="password.changed", actor=user, obj=user)


@receiver(account.password_reset)
def password_reset(sender: Any, user: Any, **kwargs: Any) -> None:
    record(action="password.reset", actor=user, obj=user)


_ON = {
    Authenticator.Type.TOTP: "second_factor.on",
    Authenticator.Type.RECOVERY_CODES: "recovery_codes.made",
}


@receiver(mfa.authenticator_added)
@receiver(mfa.authenticator_reset)
def second_factor_added(sender: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    record(action=_ON.get(authenticator.type, "second_factor.on"), actor=user, obj=user)


@receiver(mfa.authenticator_removed)
def second_factor_removed(sender: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        record(action="second_factor.off", actor=user, obj=user)


@receiver(mfa.authentication_failed)
def second_factor_failed(sender: Any, user: Any, **kwargs: Any) -> None:
    record(action="second_factor.failed", actor=user, obj=user, outcome=Outcome.FAILED)
