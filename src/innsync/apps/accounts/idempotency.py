"""One effect for one Idempotency-Key, however often the request comes.

The answer is kept under the key in the transaction of the effect: both commit or neither. Of two requests at once with one
key, the second waits at the unique constraint until the first has ended; then all it did is undone, and it reads the
first's answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import jsonb, sql, write
from innsync.domain.card_data import scrub_text
from innsync.domain.errors import DomainError

KEPT_FOR = timedelta(hours=48)
_ONCE = "idempotency_key_once"


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


_NOTHING_YET = StoredAnswer(0, {}, b"")
_INSERT = (
    "INSERT INTO accounts_idempotencyrecord"
    " (id, organization_id, program_id, key, request_hash, status, headers, body, created_at)"
    " VALUES (%s, %s, %s, %s, %s, nullif(%s, 0), %s, %s, %s)"
)


def request_hash(*, method: str, path: str, body: bytes) -> str:
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


@lru_cache(maxsize=1024)
def _kept(key: str) -> str:
    """The key as it is stored: whatever a program chose, no card number."""
    return key if scrub_text(key) == key else hashlib.sha256(key.encode()).hexdigest()


def ask(*, organization_id: UUID, program_id: UUID, key: str, request_hash: str) -> Callable[[], StoredAnswer | None]:
    """What the key was used for before: asked now, answered when called. That raises IdempotencyMismatch."""
    asked = sql().execute(
        "SELECT request_hash, status, headers, body FROM accounts_idempotencyrecord"
        " WHERE organization_id = %s AND program_id = %s AND key = %s",
        (organization_id, program_id, _kept(key)),
    )

    def answer() -> StoredAnswer | None:
        row = asked.fetchone()
        if row is None:
            return None
        if row[0] != request_hash:
            raise IdempotencyMismatch(key=key)
        return StoredAnswer(row[1], row[2], bytes(row[3]))

    return answer


def keep(
    *, organization_id: UUID, program_id: UUID, key: str, request_hash: str, answer: StoredAnswer, now: datetime
) -> None:
    """Store the answer under the key. Where it has one by now, the database refuses, at this moment or later (`is_used`)."""
    write(_INSERT, _values(organization_id, program_id, key, request_hash, answer, now))


def _values(
    organization_id: UUID, program_id: UUID, key: str, request_hash: str, answer: StoredAnswer, now: datetime
) -> list[Any]:
    own = [new_id(), organization_id, program_id, _kept(key), request_hash]
    return [*own, answer.status, jsonb(answer.headers), answer.body, now]


def claim(
    *, organization_id: UUID, program_id: UUID, key: str, request_hash: str, now: datetime
) -> StoredAnswer | None:
    """Take the key before the work, whose answer follows (`answer_claimed`); or answer what it was used for before.

    A second who claims it waits until the first has ended. Raises IdempotencyMismatch.
    """
    with sql() as cursor:
        cursor.execute(
            f"{_INSERT} ON CONFLICT (organization_id, program_id, key) DO NOTHING",
            _values(organization_id, program_id, key, request_hash, _NOTHING_YET, now),
        )
        if cursor.rowcount:
            return None
    return ask(organization_id=organization_id, program_id=program_id, key=key, request_hash=request_hash)()


def answer_claimed(*, organization_id: UUID, program_id: UUID, key: str, answer: StoredAnswer) -> None:
    """Store the answer beside the claimed key."""
    write(
        "UPDATE accounts_idempotencyrecord SET status = %s, headers = %s, body = %s"
        " WHERE organization_id = %s AND program_id = %s AND key = %s",
        (answer.status, jsonb(answer.headers), answer.body, organization_id, program_id, _kept(key)),
    )


def is_used(error: BaseException) -> bool:
    """Whether the database says so of a key that was to be kept."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return isinstance(cause, psycopg.errors.UniqueViolation) and cause.diag.constraint_name == _ONCE


def forget_old(*, now: datetime, kept_for: timedelta = KEPT_FOR) -> int:
    """Remove the present organization's keys that have lived long enough. Answers how many."""
    with sql() as cursor:
        cursor.execute("DELETE FROM accounts_idempotencyrecord WHERE created_at < %s", (now - kept_for,))
        return cursor.rowcount
