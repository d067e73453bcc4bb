"""Encryption at rest of the second factor's secrets."""

import base64
from collections.abc import Iterator

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

_PURPOSE = b"teleheme second factor v1"


def _keys() -> Iterator[Fernet]:
    """The key of today first, then those that it replaced (``SECRET_KEY_FALLBACKS``)."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
        yield Fernet(base64.urlsafe_b64encode(derived.derive(force_bytes(secret))))


def encrypt(text: str) -> str:
    """Fernet (AES-128-CBC with HMAC-SHA256) under a key derived from SECRET_KEY with HKDF."""
    return MultiFernet(list(_keys())).encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """The text of ``encrypt``. Raises ValueError where no key of this installation fits."""
    try:
        return MultiFernet(list(_keys())).decrypt(token.encode()).decode()
    except InvalidToken:
        raise ValueError("A second factor was encrypted under another SECRET_KEY.") from None
