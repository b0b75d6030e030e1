"""Keys that sign our tokens: made, taken turns with, published.

A new key is published for a while before it signs, so that whoever keeps the published keys (other processes of ours
among them) knows it by then; what the old one signed is believed until the last of it has expired.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.db import transaction
from jwt import PyJWK
from jwt.algorithms import OKPAlgorithm

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution import vault
from innsync.apps.tokens.models import SigningKey

ALGORITHM = "EdDSA"
TOKENS_LIVE = timedelta(minutes=15)
PUBLISHED_BEFORE = timedelta(minutes=10)
KEYS_SIGN_FOR = timedelta(days=30)
CLOCKS_DIFFER = timedelta(seconds=30)
KEPT_AFTER = timedelta(days=1)
REMEMBERED_S = 1.0
"""So long a process goes by what it read: a key that was ended at once is believed no longer than that."""
ASKED_AGAIN_AFTER_S = 0.05
"""For a key that is unknown: it may have been made a moment ago, and nobody makes us ask without end."""
_TURN = 0x696E6E_746F6B  # names the lock under which keys are made, among the database's other advisory locks
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """The public keys that are believed or soon will be, by their ids, each with the moment from which it is not."""

    public: Mapping[str, PyJWK]
    ends_at: Mapping[str, datetime | None]

    def believed(self, kid: object, now: datetime) -> PyJWK | None:
        if not isinstance(kid, str) or kid not in self.public:
            return None
        ends_at = self.ends_at[kid]
        return self.public[kid] if ends_at is None or now < ends_at else None

    def published(self) -> dict[str, Any]:
        """RFC 7517, section 5."""
        return {"keys": [one._jwk_data for one in self.public.values()]}


@dataclass(slots=True)
class _Known:
    rows: tuple[tuple[str, Any, datetime | None], ...] = ()
    keys: Keys = Keys({}, {})
    read_at: float = float("-inf")


_known = _Known()
_reading = threading.Lock()


def remembered() -> Keys | None:
    """The keys without asking the database; None when that is to be asked. The same object as long as they are the same."""
    return _known.keys if time.monotonic() - _known.read_at < REMEMBERED_S else None


def last_read() -> Keys:
    """The same however long ago that was: for the time in which the database can't be reached."""
    return _known.keys


def keys(*, unknown: bool = False) -> Keys:
    """The keys. unknown: somebody named one that is not among those remembered."""
    age = time.monotonic() - _known.read_at
    return _known.keys if age < (ASKED_AGAIN_AFTER_S if unknown else REMEMBERED_S) else read_keys()


def read_keys() -> Keys:
    """The keys, from the database."""
    moment, now = time.monotonic(), datetime.now(UTC)
    found = SigningKey.objects.exclude(ends_at__lt=now).values_list("id", "public", "ends_at")
    rows = tuple(found)
    with _reading:
        if rows != _known.rows:
            _known.rows = rows
            _known.keys = Keys(
                {kid: PyJWK.from_dict(public) for kid, public, _ in rows}, {kid: ends_at for kid, _, ends_at in rows}
            )
        _known.read_at = moment
        return _known.keys


def signing_key(now: datetime) -> tuple[str, Ed25519PrivateKey]:
    """The id and the key to sign with now. Made where there is none, or none that our secrets still open."""
    return _usable(now) or _first(now)


def _usable(now: datetime) -> tuple[str, Ed25519PrivateKey] | None:
    for one in _signing(now):
        try:
            return one.id, _opened(bytes(one.sealed_private))
        except InvalidToken:
            log.warning("signing_key_sealed_with_a_lost_secret", kid=one.id)
    return None


@transaction.atomic
def _first(now: datetime) -> tuple[str, Ed25519PrivateKey]:
    _take_turns()
    found = _usable(now)  # somebody may have made one meanwhile
    if found is None:
        made = rotate(now=now, at_once=True)
        found = made.id, _opened(bytes(made.sealed_private))
    return found


def _take_turns() -> None:
    """Nobody else makes a key until this transaction is over."""
    with sql() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN,))


def _signing(now: datetime) -> list[SigningKey]:
    """The one whose turn it is, or none."""
    turn = SigningKey.objects.filter(signs_from__lte=now).exclude(ends_at__lte=now).order_by("-signs_from", "-id")
    return list(turn[:1])


@lru_cache(maxsize=8)
def _opened(sealed: bytes) -> Ed25519PrivateKey:
    pem = vault.unseal(sealed)
    assert isinstance(pem, str)
    key = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


@transaction.atomic
def rotate(*, now: datetime, at_once: bool = False) -> SigningKey:
    """Make the next key. Where one waits for its turn already, that is it.

    at_once: it signs from now on; what others signed is believed no more, as after a private key became known.
    """
    _take_turns()
    coming = SigningKey.objects.filter(signs_from__gt=now).first()
    if coming is not None and not at_once:
        return coming
    others = SigningKey.objects.exclude(ends_at__lte=now)
    present = others.filter(signs_from__lte=now).exists()
    signs_from = now + PUBLISHED_BEFORE if present and not at_once else now
    others.update(ends_at=now if at_once else signs_from + TOKENS_LIVE + CLOCKS_DIFFER)
    private = Ed25519PrivateKey.generate()
    kid = secrets.token_hex(8)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return SigningKey.objects.create(
        id=kid,
        public={
            "kty": public["kty"],
            "crv": public["crv"],
            "x": public["x"],
            "kid": kid,
            "alg": ALGORITHM,
            "use": "sig",
        },
        sealed_private=vault.seal(pem),
        created_at=now,
        signs_from=signs_from,
    )


def rotate_when_due(now: datetime) -> None:
    """Daily: let a key that has signed for long be followed by another, and forget those that served their time."""
    SigningKey.objects.filter(ends_at__lt=now - KEPT_AFTER).delete()
    newest = SigningKey.objects.order_by("signs_from").last()
    if newest is not None and newest.signs_from <= now - KEYS_SIGN_FOR:
        rotate(now=now)
