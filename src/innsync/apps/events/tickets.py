"""Tickets to the socket: a browser can send no key with its handshake, and an address must not hold one.

A ticket opens one socket, once, within a minute. Only its hash is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from innsync.apps.accounts.tenancy import sql

LIVES_FOR = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pass:
    """Who comes in by a ticket: a program by its key, with what it may do of the key's scopes, or a person by their session."""

    key_id: UUID | None = None
    scopes: frozenset[str] = frozenset()
    session_key: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "key_id": str(self.key_id) if self.key_id else None,
            "scopes": sorted(self.scopes),
            "session_key": self.session_key,
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Pass:
        return cls(UUID(said["key_id"]) if said["key_id"] else None, frozenset(said["scopes"]), said["session_key"])


def issue(
    *, now: datetime, key_id: UUID | None = None, scopes: Collection[str] = (), session_key: str = ""
) -> tuple[str, datetime]:
    """A ticket and its end. Those that nobody used in time are removed."""
    ticket, expires_at = secrets.token_urlsafe(24), now + LIVES_FOR
    with sql() as cursor:
        cursor.execute(
            "WITH late AS (DELETE FROM events_ticket WHERE expires_at <= %s)"
            " INSERT INTO events_ticket (digest, key_id, scopes, session_key, expires_at) VALUES (%s, %s, %s, %s, %s)",
            (now, _digest(ticket), key_id, sorted(scopes), session_key, expires_at),
        )
    return ticket, expires_at


def redeem(ticket: str, now: datetime) -> Pass | None:
    """Use it up. None: it is unknown, too old, or was used."""
    with sql() as cursor:
        row = cursor.execute(
            "DELETE FROM events_ticket WHERE digest = %s RETURNING key_id, scopes, session_key, expires_at > %s",
            (_digest(ticket), now),
        ).fetchone()
    return Pass(row[0], frozenset(row[1]), row[2]) if row is not None and row[3] else None


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).hexdigest()
