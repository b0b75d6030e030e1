"""Keys for programs: made, replaced, withdrawn. The secret is shown once and kept only as a hash."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction

from innsync.apps.accounts.models import ApiKey, Scope
from innsync.apps.accounts.origins import read_origin
from innsync.domain.errors import DomainError, InvalidField

SECRET_PREFIX = "isk_"  # noqa: S105  # how every key begins, not a secret
PUBLISHABLE_PREFIX = "ipk_"
PUBLISHABLE_SCOPES = (Scope.AVAILABILITY_READ, Scope.CONTENT_READ, Scope.BOOKINGS_MAKE)
"""What everybody who opens a website may do there; a booking is read by nobody with such a key."""
MOST_ORIGINS = 20
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SECRET_LETTERS = 32
_SHOWN_LETTERS = 10


@dataclass(eq=False)
class UnknownApiKey(DomainError):
    """No key has that id, or it was withdrawn already."""

    key_id: str


def hash_secret(secret: str) -> str:
    """What is kept of a key. The secret holds 185 random bits, so a plain hash can't be turned back."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_api_key(
    *,
    organization_id: UUID,
    name: str,
    scopes: Sequence[str],
    property_ids: Sequence[UUID] = (),
    ip_allowlist: Sequence[str] = (),
    expires_at: datetime | None = None,
    calls_per_minute: int | None = None,
    origins: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can read again. No `property_ids`: all; no `ip_allowlist`: from anywhere.

    origins: with any, the key is publishable: it stands in the pages that come from there, and works in no other.
    Raises InvalidField for an unknown scope, an address range or origin that is none, a limit below one call, and for a
    publishable key that would be good for more than its pages need.
    """
    known = {scope.value for scope in (PUBLISHABLE_SCOPES if origins else Scope)}
    for index, scope in enumerate(scopes):
        if scope not in known:
            raise InvalidField(field=f"/scopes/{index}", problem=f"must be one of {', '.join(sorted(known))}")
    if not scopes:
        raise InvalidField(field="/scopes", problem="must name at least one scope")
    if calls_per_minute is not None and calls_per_minute < 1:
        raise InvalidField(field="/calls_per_minute", problem="must be 1 or more")
    if origins and not property_ids:
        raise InvalidField(field="/property_ids", problem="must name the hotels that the website sells")
    if len(origins) > MOST_ORIGINS:
        raise InvalidField(field="/origins", problem=f"must be {MOST_ORIGINS} at most")
    secret = _new_secret(PUBLISHABLE_PREFIX if origins else SECRET_PREFIX)
    key = ApiKey.objects.create(
        organization_id=organization_id,
        name=name[:200],
        prefix=secret[:_SHOWN_LETTERS],
        secret_hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        property_ids=list(property_ids),
        ip_allowlist=[_network(text, index) for index, text in enumerate(ip_allowlist)],
        expires_at=expires_at,
        calls_per_minute=calls_per_minute,
        origins=list(dict.fromkeys(_origin(text, index) for index, text in enumerate(origins))),
        published=secret if origins else "",
    )
    return key, secret


def rotate_api_key(*, key_id: UUID, grace: timedelta, now: datetime | None = None) -> tuple[ApiKey, str]:
    """A key with the same rights in place of this one, which goes on working for `grace`. Raises UnknownApiKey."""
    now = now or datetime.now(UTC)
    with transaction.atomic():
        old = _living(key_id)
        key, secret = create_api_key(
            organization_id=old.organization_id,
            name=old.name,
            scopes=old.scopes,
            property_ids=old.property_ids,
            ip_allowlist=old.ip_allowlist,
            expires_at=old.expires_at,
            calls_per_minute=old.calls_per_minute,
            origins=old.origins,
        )
        key.first_key_id = old.program_id
        key.save(update_fields=["first_key_id"])
        end = now + grace
        old.expires_at = min(old.expires_at, end) if old.expires_at else end
        old.replaced_by = key
        old.save(update_fields=["expires_at", "replaced_by"])
    return key, secret


def revoke_api_key(*, key_id: UUID, now: datetime | None = None) -> None:
    """Withdraw a key; tokens got with it end too. Raises UnknownApiKey."""
    with transaction.atomic():
        key = _living(key_id)
        key.revoked_at = now or datetime.now(UTC)
        key.save(update_fields=["revoked_at"])


def _living(key_id: UUID) -> ApiKey:
    key = ApiKey.objects.select_for_update().filter(id=key_id, revoked_at__isnull=True).first()
    if key is None:
        raise UnknownApiKey(key_id=str(key_id))
    return key


def _new_secret(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LETTERS))


def _network(text: str, index: int) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise InvalidField(field=f"/ip_allowlist/{index}", problem="must be an address or a CIDR range") from None


def _origin(text: str, index: int) -> str:
    try:
        return read_origin(text)
    except ValueError:
        raise InvalidField(
            field=f"/origins/{index}", problem="must look like https://www.example.com, or http://localhost:8080 to try"
        ) from None
