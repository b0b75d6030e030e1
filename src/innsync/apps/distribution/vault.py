"""Credentials at rest: encrypted with the installation's keys, the newest first, so that keys can be rotated."""

from __future__ import annotations

import base64
import hashlib

import orjson
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def _keys() -> MultiFernet:
    keys = list(settings.ENCRYPTION_KEYS)
    if not keys:
        derived = hashlib.sha256(b"innsync credentials\0" + settings.SECRET_KEY.encode()).digest()
        keys = [base64.urlsafe_b64encode(derived).decode()]
    return MultiFernet([Fernet(key) for key in keys])


def seal(value: object) -> bytes:
    """Encrypt a JSON value."""
    return _keys().encrypt(orjson.dumps(value))


def unseal(sealed: bytes | memoryview) -> object:
    """The value again. Raises cryptography.fernet.InvalidToken when no key fits."""
    return orjson.loads(_keys().decrypt(bytes(sealed)))
