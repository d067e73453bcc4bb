"""Who may be signed in: an active person of an active organisation, asked anew at each request."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend as AllauthBackend

from accounts.models import User


class AuthenticationBackend(AllauthBackend):
    """E-mail and password; disabled people and people of disabled organisations stay out."""

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user is not None and user.is_active and user.organisation.is_active)

    def get_user(self, user_id: Any) -> User | None:
        """The person of a session; None (signed out) as soon as they may not sign in any more."""
        person = User.objects.select_related("organisation").filter(pk=user_id).first()
        return person if self.user_can_authenticate(person) else None
