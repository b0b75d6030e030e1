"""Short-lived access in place of a key: JWTs that this installation signs and reads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID, uuid4

import jwt
from django.conf import settings

from innsync.apps.accounts.selectors import Caller

LIVES_FOR = timedelta(minutes=15)
_ISSUER = "innsync"
_AUDIENCE = "innsync-api"


@dataclass(frozen=True, slots=True)
class Token:
    """What a good token says: which key it was got with, what of the key's rights it carries, until when."""

    key_id: UUID
    scopes: frozenset[str]
    expires_at: datetime


@cache
def _signing_key() -> bytes:
    # Derived, so that a token can never be taken for anything else that the secret key signs.
    return hashlib.sha256(b"innsync api tokens\0" + settings.SECRET_KEY.encode()).digest()


def issue(*, caller: Caller, now: datetime) -> tuple[str, datetime]:
    """A token with the caller's scopes, and its end."""
    expires_at = now.replace(microsecond=0) + LIVES_FOR
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": str(caller.key_id),
        "org": str(caller.organization_id),
        "scope": " ".join(sorted(caller.scopes)),
        "iat": now,
        "exp": expires_at,
        "jti": uuid4().hex,
    }
    return jwt.encode(claims, _signing_key(), algorithm="HS256"), expires_at


def read(token: str) -> Token | None:
    """What the token says; None when it is not ours, was changed or is past its end."""
    try:
        claims = jwt.decode(
            token,
            _signing_key(),
            algorithms=["HS256"],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )
        return Token(
            UUID(claims["sub"]),
            frozenset(str(claims.get("scope", "")).split()),
            datetime.fromtimestamp(claims["exp"], UTC),
        )
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None
