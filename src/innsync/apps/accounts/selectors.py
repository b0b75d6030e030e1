"""Whose key that is."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.services import PUBLISHABLE_PREFIX, SECRET_PREFIX, hash_secret
from innsync.apps.accounts.tenancy import sql

REMEMBERED_S = 1.0
_MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that showed a good key: what it may do, for whom.

    program_id: the same before and after a rotation. property_ids: empty means every property of the organization.
    origins: of a publishable key, from whose pages alone it is used; empty for every other key.
    """

    key_id: UUID
    program_id: UUID
    organization_id: UUID
    name: str
    prefix: str
    scopes: frozenset[str]
    property_ids: frozenset[UUID]
    ip_allowlist: tuple[str, ...]
    expires_at: datetime | None
    calls_per_minute: int | None
    origins: tuple[str, ...] = ()

    @property
    def publishable(self) -> bool:
        return bool(self.origins)

    def may(self, scope: str) -> bool:
        """Whoever may write bookings may make them."""
        return scope in self.scopes or (scope == Scope.BOOKINGS_MAKE and Scope.BOOKINGS_WRITE in self.scopes)

    def may_see(self, property_id: UUID) -> bool:
        return not self.property_ids or property_id in self.property_ids

    def may_come_from(self, address: str) -> bool:
        if not self.ip_allowlist:
            return True
        try:
            source = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(source, "ipv4_mapped", None)
        return any((mapped or source) in ipaddress.ip_network(one) for one in self.ip_allowlist)


# One statement: the key as it is, and a note of its use, with the calls since the last note.
_FIND = """
WITH found AS (
  SELECT id, coalesce(first_key_id, id) AS program_id, organization_id, name, prefix, scopes, property_ids, ip_allowlist,
         expires_at, calls_per_minute, origins
  FROM accounts_apikey WHERE {where} = %(value)s AND revoked_at IS NULL
), used AS (
  UPDATE accounts_apikey k SET last_used_at = greatest(k.last_used_at, %(now)s), calls = k.calls + %(calls)s FROM found
  WHERE k.id = found.id
)
SELECT id, program_id, organization_id, name, prefix, scopes, property_ids, ip_allowlist, expires_at, calls_per_minute,
       origins
FROM found
"""
_BY_HASH = _FIND.format(where="secret_hash")
_BY_ID = _FIND.format(where="id")

_remembered: dict[object, tuple[float, Caller | None]] = {}
_uncounted: dict[object, int] = {}
"""Calls that were answered from memory, by what they were looked up by."""
_remembering = threading.Lock()


def authenticate(*, secret: str, now: datetime | None = None) -> Caller | None:
    """Whose secret that is; None for one that is unknown, withdrawn or past its end.

    A process remembers the answer for a second, so a busy program costs no look-up a call; a withdrawn key is refused
    within that second everywhere.
    """
    if not secret.startswith((SECRET_PREFIX, PUBLISHABLE_PREFIX)) or len(secret) > 200:
        return None
    return _living(_find(_BY_HASH, hash_secret(secret)), now)


def caller_of(*, key_id: UUID, now: datetime | None = None) -> Caller | None:
    """The same by the key's id, for tokens that were got with it."""
    return _living(_find(_BY_ID, key_id), now)


def living_keys(key_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Those of the keys that are neither withdrawn nor past their end at this moment."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT id FROM accounts_apikey WHERE id = ANY(%s) AND revoked_at IS NULL"
            " AND (expires_at IS NULL OR expires_at > %s)",
            (list(key_ids), now),
        ).fetchall()
    return {key_id for (key_id,) in rows}


def is_known_origin(origin: str) -> bool:
    """Whether some living publishable key names that origin."""
    with sql() as cursor:
        row = cursor.execute(
            "SELECT EXISTS (SELECT FROM accounts_apikey WHERE origins @> ARRAY[%s]::varchar[] AND revoked_at IS NULL"
            " AND (expires_at IS NULL OR expires_at > %s))",
            (origin, datetime.now(UTC)),
        ).fetchone()
    return bool(row and row[0])


def remembered(known_by: str | UUID, now: datetime) -> Caller | None:
    """The same without asking the database: by the hash of a secret or a key's id; None where that must be asked."""
    known = _remembered.get(known_by)
    if known is None or time.monotonic() - known[0] >= REMEMBERED_S:
        return None
    return _living(known[1], now)


def last_known(known_by: str | UUID, now: datetime) -> Caller | None:
    """The same however long ago that was: for the time in which the database, where a key is withdrawn, can't be reached."""
    known = _remembered.get(known_by)
    return None if known is None else _living(known[1], now)


def used(known_by: str | UUID) -> None:
    """Count a call that was answered for whom `remembered` named."""
    with _remembering:
        _uncounted[known_by] = _uncounted.get(known_by, 0) + 1


def forget_callers() -> None:
    """Let the next call look again; for the process that has just withdrawn a key."""
    with _remembering:
        _remembered.clear()


def _living(caller: Caller | None, now: datetime | None) -> Caller | None:
    if caller is None or (caller.expires_at is not None and caller.expires_at <= (now or datetime.now(UTC))):
        return None
    return caller


def _find(statement: str, value: Any) -> Caller | None:
    moment = time.monotonic()
    with _remembering:
        known = _remembered.get(value)
        if known is not None and moment - known[0] < REMEMBERED_S:
            if known[1] is not None:
                _uncounted[value] = _uncounted.get(value, 0) + 1
            return known[1]
        calls = _uncounted.pop(value, 0) + 1
    with sql() as cursor:
        row = cursor.execute(statement, {"value": value, "now": datetime.now(UTC), "calls": calls}).fetchone()
    caller = None if row is None else _read(row)
    with _remembering:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        _remembered[value] = (moment, caller)
    return caller


def _read(row: tuple[Any, ...]) -> Caller:
    (
        key_id,
        program_id,
        organization_id,
        name,
        prefix,
        scopes,
        property_ids,
        ip_allowlist,
        expires_at,
        limit,
        origins,
    ) = row
    return Caller(
        key_id=key_id,
        program_id=program_id,
        organization_id=organization_id,
        name=name,
        prefix=prefix,
        scopes=frozenset(scopes),
        property_ids=frozenset(property_ids),
        ip_allowlist=tuple(ip_allowlist),
        expires_at=expires_at,
        calls_per_minute=limit,
        origins=tuple(origins),
    )
