"""Short-lived access in place of a key: JWTs that this installation signs and reads.

Sources: RFC 7519 (JWT), RFC 8037 (EdDSA in JOSE), RFC 8725 (what to refuse).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import jwt

from innsync.apps.accounts.selectors import Caller
from innsync.apps.tokens import signing
from innsync.apps.tokens.signing import ALGORITHM, Keys

LIVES_FOR = signing.TOKENS_LIVE
LONGEST = 2_000
"""Characters. Ours are a quarter of that; what is longer was made by somebody else."""
_ISSUER = "innsync"
_AUDIENCE = "innsync-api"
_TYPE = "at+jwt"


@dataclass(frozen=True, slots=True)
class Token:
    """What a good token says: which key it was got with, what of the key's rights it carries, until when."""

    key_id: UUID
    scopes: frozenset[str]
    expires_at: datetime


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
        "nbf": now,
        "exp": expires_at,
        "jti": uuid4().hex,
    }
    kid, private = signing.signing_key(now)
    return jwt.encode(claims, private, algorithm=ALGORITHM, headers={"kid": kid, "typ": _TYPE}), expires_at


def read(token: str) -> Token | None:
    """What the token says; None when it is not ours, was changed or is past its end."""
    known = signing.keys()
    if _kid(token) not in known.public:
        known = signing.keys(unknown=True)
    return read_with(known, token)


def read_with(known: Keys, token: str) -> Token | None:
    """The same, going by these keys."""
    # The key is chosen among ours by its id alone, and the algorithm is the key's: a token's own words choose nothing.
    now = datetime.now(UTC)
    key = known.believed(_kid(token), now)
    if key is None:
        return None
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            leeway=signing.CLOCKS_DIFFER,
            options={"require": ["exp", "iat", "nbf", "sub", "aud", "iss"], "verify_exp": False},
        )
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        if expires_at <= now:
            return None
        return Token(UUID(claims["sub"]), frozenset(str(claims.get("scope", "")).split()), expires_at)
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, OSError):
        return None


def _kid(token: str) -> object:
    """As the token says, which nobody has checked; None where it says nothing of use."""
    if len(token) > LONGEST:
        return None
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, RecursionError):
        return None
    return header.get("kid") if header.get("typ") == _TYPE else None
