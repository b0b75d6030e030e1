"""Issuers that an organization trusts: named, asked for their keys, asked again in bounds.

Sources: OpenID Connect Discovery 1.0, sections 3 and 4; RFC 7517 (JWK).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings
from django.db.models import Count
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.access import client
from innsync.apps.tokens.models import Issuer
from innsync.domain.errors import DomainError, InvalidField
from innsync.integrations.errors import IntegrationError
from innsync.integrations.http import Session

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
DISCOVERY = "/.well-known/openid-configuration"
MOST_KEYS, MOST_BYTES = 20, 100_000
SHORTEST_RSA = 2_048
TIMEOUT_S = 3.0
READ_AGAIN_AFTER = timedelta(hours=1)
BELIEVED_FOR = timedelta(hours=24)
"""So long keys are gone by while the issuer can't be asked."""
ASKED_AT_MOST_EVERY = timedelta(seconds=30)
"""Whatever tokens name."""
log = structlog.get_logger()


@dataclass(eq=False)
class UnknownIssuer(DomainError):
    """The organization trusts no issuer of that id."""

    id: str


def trust(*, organization_id: UUID, url: str, audience: str, now: datetime) -> Issuer:
    """Take this issuer's word from now on; one that is trusted already gets the new audience.

    Raises InvalidField for what is no issuer's address, and where none answers there as one.
    """
    _check(url, audience)
    try:
        keys = _fetch(url)
    except (IntegrationError, ValueError) as error:
        raise InvalidField(field="/url", problem=f"does not answer as an issuer: {error}") from error
    with tenant(organization_id):
        made, _ = Issuer.objects.update_or_create(
            organization_id=organization_id,
            url=url,
            defaults={"audience": audience, "keys": keys, "keys_read_at": now, "asked_at": now},
            create_defaults={
                "audience": audience,
                "keys": keys,
                "keys_read_at": now,
                "asked_at": now,
                "created_at": now,
            },
        )
        return made


def list_issuers() -> list[tuple[Issuer, int]]:
    """Those that the organization trusts, each with how many of its users have an account. Works inside `tenant(...)`."""
    found = Issuer.objects.annotate(users=Count("accounts")).order_by("url")
    return [(one, one.users) for one in found]


def find_issuer(issuer_id: UUID) -> Issuer | None:
    """Works inside `tenant(...)`."""
    return Issuer.objects.filter(id=issuer_id).first()


def try_out(issuer: Issuer, *, now: datetime) -> str:
    """Ask it for its keys at once, and believe those. Answers what is wrong, and changes nothing then; empty where nothing is.

    Outside of any transaction: the issuer may keep one waiting.
    """
    try:
        keys = _fetch(issuer.url)
    except (IntegrationError, ValueError) as error:
        return str(error)[:300]
    with tenant(issuer.organization_id):
        Issuer.objects.filter(id=issuer.id).update(keys=keys, keys_read_at=now, asked_at=now)
    issuer.keys, issuer.keys_read_at = keys, now
    return ""


def distrust(*, organization_id: UUID, issuer_id: UUID) -> None:
    """Take its word no more, and forget its users' accounts; their bookings stay. Raises UnknownIssuer."""
    with tenant(organization_id):
        found = Issuer.objects.filter(id=issuer_id).first()
        if found is None:
            raise UnknownIssuer(id=str(issuer_id))
        found.delete()


def key_of(issuer: Issuer, kid: str | None, now: datetime) -> PyJWK | None:
    """The issuer's key of that name (None: its only one), asked for again where it is unknown or what is known is old.

    Outside of any transaction: the issuer may have to be asked. None where there is none, or none that is fresh enough.
    """
    found = _among(issuer.keys, kid)
    if (found is None or now - issuer.keys_read_at > READ_AGAIN_AFTER) and _may_ask(issuer, now):
        _read_again(issuer, now)
        found = _among(issuer.keys, kid)
    return found if now - issuer.keys_read_at <= BELIEVED_FOR else None


def _check(url: str, audience: str) -> None:
    parts = urlsplit(url)
    schemes = {"https", "http"} if settings.SANDBOX else {"https"}
    if len(url) > 300 or parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
        raise InvalidField(field="/url", problem="must be an https address without query, as the tokens' iss says it")
    if not audience.strip() or len(audience) > 200:
        raise InvalidField(field="/audience", problem="must say for whom the tokens are")


def _may_ask(issuer: Issuer, now: datetime) -> bool:
    """One at a time, over all processes, and not too often."""
    with tenant(issuer.organization_id), sql() as cursor:
        asked = cursor.execute(
            "UPDATE tokens_issuer SET asked_at = %s WHERE id = %s AND asked_at <= %s RETURNING id",
            (now, issuer.id, now - ASKED_AT_MOST_EVERY),
        ).fetchone()
    return asked is not None


def _read_again(issuer: Issuer, now: datetime) -> None:
    try:
        keys = _fetch(issuer.url)
    except (IntegrationError, ValueError) as error:
        log.warning("issuer_not_answering", issuer=issuer.url, error=str(error)[:200])
        return
    with tenant(issuer.organization_id):
        Issuer.objects.filter(id=issuer.id).update(keys=keys, keys_read_at=now)
    issuer.keys, issuer.keys_read_at = keys, now


def _fetch(url: str) -> list[dict[str, Any]]:
    """The issuer's usable keys. Raises IntegrationError, ValueError."""
    about = _get(url.rstrip("/") + DISCOVERY)
    if about.get("issuer") != url:
        raise ValueError("it says that it is another")
    address = about.get("jwks_uri")
    if not isinstance(address, str) or urlsplit(address).scheme not in (
        {"https", "http"} if settings.SANDBOX else {"https"}
    ):
        raise ValueError("it names no address of its keys")
    found = _get(address).get("keys")
    keys = [one for one in found if _usable(one)] if isinstance(found, list) else []
    if not keys:
        raise ValueError("it has no key that we can use")
    return keys[:MOST_KEYS]


def _get(address: str) -> dict[str, Any]:
    session = Session(
        vendor="oidc",
        account_id=urlsplit(address).hostname or "",
        base_urls={"issuer": address},
        credentials={},
        client=client(),
        allow_private=settings.SANDBOX,
        timeout_s=TIMEOUT_S,
    )
    answer = session.request("GET", "issuer", "", operation="read_keys", headers={"Accept": "application/json"})
    if len(answer.content) > MOST_BYTES:
        raise ValueError("it answers more than keys take")
    body = orjson.loads(answer.content)
    if not isinstance(body, dict):
        raise ValueError("it answers no document")
    return body


def _usable(one: object) -> bool:
    """Whether it is a public key that signs with one of our algorithms; a secret that anybody may read signs nothing."""
    if not isinstance(one, dict) or one.get("use", "sig") != "sig" or "d" in one or "k" in one:
        return False
    try:
        key = PyJWK.from_dict(one)
    except (PyJWTError, ValueError, TypeError):
        return False
    return key.algorithm_name in ALGORITHMS and not (
        isinstance(key.key, RSAPublicKey) and key.key.key_size < SHORTEST_RSA
    )


def _among(keys: list[dict[str, Any]], kid: str | None) -> PyJWK | None:
    fitting = list(_fitting(keys, kid))
    return PyJWK.from_dict(fitting[0]) if len(fitting) == 1 else None


def _fitting(keys: list[dict[str, Any]], kid: str | None) -> Iterator[dict[str, Any]]:
    return (one for one in keys if kid is None or one.get("kid") == kid)
