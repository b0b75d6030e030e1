"""Keys for programs, as an organization's administrators make, replace and withdraw them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from innsync.apps.accounts import services
from innsync.apps.accounts.models import ApiKey
from innsync.apps.accounts.services import UnknownApiKey
from innsync.apps.people.rules import Manager, known_properties, note
from innsync.domain.errors import InvalidField


def list_keys(manager: Manager) -> list[ApiKey]:
    """Those that the manager may manage: the living first, then by age, the newest first."""
    found = ApiKey.objects.filter(organization_id=manager.access.organization_id).order_by("-created_at")
    return sorted(
        (one for one in found if manager.reaches(one.property_ids)), key=lambda one: one.revoked_at is not None
    )


@transaction.atomic
def create_key(
    *,
    manager: Manager,
    name: str,
    scopes: Sequence[str],
    property_ids: Sequence[UUID],
    ip_allowlist: Sequence[str] = (),
    expires_at: datetime | None = None,
    calls_per_minute: int | None = None,
    origins: Sequence[str] = (),
    now: datetime,
) -> tuple[ApiKey, str]:
    """A key and its secret, which nobody can read again. origins: of the website whose pages show the key to everybody.

    Raises InvalidField, BeyondReach.
    """
    if not name.strip():
        raise InvalidField(field="/name", problem="must say what the key is for")
    wanted = known_properties(property_ids)
    manager.refuse_beyond(wanted)
    if expires_at is not None and expires_at <= now:
        raise InvalidField(field="/expires_at", problem="must lie ahead")
    key, secret = services.create_api_key(
        organization_id=manager.access.organization_id,
        name=name.strip(),
        scopes=scopes,
        property_ids=wanted,
        ip_allowlist=ip_allowlist,
        expires_at=expires_at,
        calls_per_minute=calls_per_minute,
        origins=origins,
    )
    note(manager, "api_key.created", now, _what(key))
    return key, secret


@transaction.atomic
def rotate_key(*, manager: Manager, key_id: UUID, grace: timedelta, now: datetime) -> tuple[ApiKey, str]:
    """Another key in place of this one, which goes on working for `grace`. Raises UnknownApiKey, BeyondReach."""
    get_key(manager, key_id)
    key, secret = services.rotate_api_key(key_id=key_id, grace=grace, now=now)
    note(manager, "api_key.rotated", now, {**_what(key), "replaces": str(key_id)})
    return key, secret


@transaction.atomic
def revoke_key(*, manager: Manager, key_id: UUID, now: datetime) -> ApiKey:
    """Withdraw a key: it is refused from the next second on. Raises UnknownApiKey, BeyondReach."""
    key = get_key(manager, key_id)
    services.revoke_api_key(key_id=key_id, now=now)
    note(manager, "api_key.revoked", now, _what(key))
    return key


def get_key(manager: Manager, key_id: UUID) -> ApiKey:
    """A key of the manager's organization, withdrawn or not. Raises UnknownApiKey, BeyondReach."""
    found = ApiKey.objects.filter(id=key_id, organization_id=manager.access.organization_id).first()
    if found is None:
        raise UnknownApiKey(key_id=str(key_id))
    manager.refuse_beyond(found.property_ids)
    return found


def _what(key: ApiKey) -> dict[str, str]:
    return {"key_id": str(key.id), "name": key.name, "prefix": key.prefix}
