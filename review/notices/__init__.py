"""What people should know: told once, on screen and by e-mail, as each of them wants it."""

from review.notices.telling import notify

__all__ = ["notify"]
