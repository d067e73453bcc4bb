"""The invitation: one link, used once, to choose the first password."""

import logging
import smtplib

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse

from accounts.models import User

logger = logging.getLogger(__name__)


def password_link(*, person: User, base_url: str) -> str:
    """An absolute address that lets its holder set the password, once, for some days."""
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(person)
    key = {"uidb36": user_pk_to_url_str(person), "key": token}
    return base_url.rstrip("/") + reverse("account_reset_password_from_key", kwargs=key)


def send_invitation(*, person: User, invited_by: User, base_url: str) -> bool:
    """True when the mail server took the mail. Never raises: the account exists either way."""
    context = {
        "person": person,
        "invited_by": invited_by,
        "link": password_link(person=person, base_url=base_url),
        "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
    }
    try:
        get_adapter().send_mail("accounts/email/invitation", person.email, context)
    except (OSError, smtplib.SMTPException):
        logger.exception("An invitation could not be handed to the mail server.")
        return False
    return True
