"""One effect for one Idempotency-Key, however often the request comes.

The key is claimed in the transaction of the effect: both commit or neither. A second request with the same key waits at
the unique constraint until the first has ended, and then reads its answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import sql
from innsync.domain.card_data import scrub_text
from innsync.domain.errors import DomainError

KEPT_FOR = timedelta(hours=48)


@dataclass(eq=False)
class IdempotencyMismatch(DomainError):
    """The key was used before, for another request."""

    key: str


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request with the key was answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def request_hash(*, method: str, path: str, body: bytes) -> str:
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


def _kept(key: str) -> str:
    """The key as it is stored: whatever a program chose, no card number."""
    return key if scrub_text(key) == key else hashlib.sha256(key.encode()).hexdigest()


def claim(
    *, organization_id: UUID, program_id: UUID, key: str, request_hash: str, now: datetime
) -> StoredAnswer | None:
    """Take the key for this transaction, or answer what it was used for before. Raises IdempotencyMismatch."""
    with sql() as cursor:
        cursor.execute(
            "INSERT INTO accounts_idempotencyrecord"
            " (id, organization_id, program_id, key, request_hash, status, headers, body, created_at)"
            " VALUES (%s, %s, %s, %s, %s, NULL, '{}', '', %s) ON CONFLICT (organization_id, program_id, key) DO NOTHING",
            (new_id(), organization_id, program_id, _kept(key), request_hash, now),
        )
        if cursor.rowcount:
            return None
        row = cursor.execute(
            "SELECT request_hash, status, headers, body FROM accounts_idempotencyrecord"
            " WHERE organization_id = %s AND program_id = %s AND key = %s",
            (organization_id, program_id, _kept(key)),
        ).fetchone()
    assert row is not None, "a key that conflicts is there"
    if row[0] != request_hash:
        raise IdempotencyMismatch(key=key)
    return StoredAnswer(row[1], row[2], bytes(row[3]))


def keep(*, organization_id: UUID, program_id: UUID, key: str, answer: StoredAnswer) -> None:
    """Store the answer beside the claimed key."""
    with sql() as cursor:
        cursor.execute(
            "UPDATE accounts_idempotencyrecord SET status = %s, headers = %s, body = %s"
            " WHERE organization_id = %s AND program_id = %s AND key = %s",
            (answer.status, Jsonb(answer.headers), answer.body, organization_id, program_id, _kept(key)),
        )


def forget_old(*, now: datetime, kept_for: timedelta = KEPT_FOR) -> int:
    """Remove the present organization's keys that have lived long enough. Answers how many."""
    with sql() as cursor:
        cursor.execute("DELETE FROM accounts_idempotencyrecord WHERE created_at < %s", (now - kept_for,))
        return cursor.rowcount
