"""Whose rows a piece of work may see.

Every tenant table carries row-level security: a row is visible only while the transaction names its organization.
Code opens that door with `tenant(...)`; without it, tenant tables look empty and refuse new rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import orjson
import psycopg
from django.db import connection, transaction
from psycopg.adapt import AdaptersMap
from psycopg.types.json import Jsonb, JsonbLoader

Values = Sequence[Any] | Mapping[str, Any]
MOST_PARTS, MOST_VALUES = 100, 60_000
"""Of one statement."""


@dataclass(slots=True)
class _Batch:
    first: list[tuple[str, Values]] = field(default_factory=list)
    parts: list[tuple[str, Sequence[Any]]] = field(default_factory=list)


_hurried: ContextVar[psycopg.Connection[Any] | None] = ContextVar("hurried", default=None)
_together: ContextVar[_Batch | None] = ContextVar("together", default=None)


_Cursor = TypeVar("_Cursor", bound=psycopg.Cursor[Any])
_adapters: WeakKeyDictionary[psycopg.Connection[Any], AdaptersMap] = WeakKeyDictionary()


class _OwnAdapters:
    """Cursors that read JSON, where Django's leave it as text. The same for all of a connection: they take long to make."""

    @property
    def adapters(self) -> AdaptersMap:
        connected = self.connection  # type: ignore[attr-defined]  # a cursor's
        found = _adapters.get(connected)
        if found is None:
            found = _adapters[connected] = AdaptersMap(connected.adapters)
            found.register_loader("jsonb", JsonbLoader)
        return found


class _PlainCursor(_OwnAdapters, psycopg.Cursor[Any]):
    pass


class _RawCursor(_OwnAdapters, psycopg.RawCursor[Any]):
    """Takes parameters by number."""


def sql() -> psycopg.Cursor[Any]:
    """A plain psycopg cursor on Django's connection: server-side parameters and prepared statements, for hot paths."""
    return _cursor(_PlainCursor)


def _cursor(kind: type[_Cursor]) -> _Cursor:
    raw = _hurried.get()
    if raw is None:
        connection.ensure_connection()
        raw = connection.connection
    # Not raw.cursor(): Django's own cursors put parameters in on the client's side.
    return kind(raw)


@contextmanager
def tenant(organization_id: UUID) -> Iterator[None]:
    """One transaction in which the rows of that organization, and no others, exist.

    Within another's, that one's again when it is over.
    """
    outer = _present() if connection.in_atomic_block else None
    with transaction.atomic():
        _enter(str(organization_id))
        yield
        if outer is not None:
            _enter(outer)


@contextmanager
def swiftly(organization_id: UUID | None) -> Iterator[None]:
    """As `tenant`, but no statement waits for the answer to the one before it: only whoever fetches rows waits.

    What is written last goes out with the commit, so that whatever it locks is locked for no longer than the database
    takes. A statement that fails raises where somebody fetches next, or at the end. Within a transaction: as `tenant`.
    How many rows a statement touched is not known inside, which models ask when they are saved: they are not for here.
    organization_id: None where the database is to say whose rows these are (`enter_by`).
    """
    if connection.in_atomic_block:
        with tenant(organization_id) if organization_id else transaction.atomic():
            yield
        return
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    # Django's own transactions wait for their beginning, their end, and twice for what changes with them. Those inside
    # must know that one is under way.
    connection.in_atomic_block, connection.autocommit = True, False
    token = _hurried.set(raw)
    try:
        with raw.pipeline():
            # Not prepared: were it lost to the server, no transaction would begin, and so none be rolled back, which is what
            # has psycopg forget all that is.
            sql().execute("BEGIN", prepare=False)
            if organization_id:
                _enter(str(organization_id))
            yield
            if connection.needs_rollback:
                raise transaction.TransactionManagementError("something inside failed, and nobody undid it")
            end = sql().execute("COMMIT", prepare=False)
        if end.statusmessage != "COMMIT":
            raise psycopg.errors.InFailedSqlTransaction("a statement had failed: nothing was kept")
    except BaseException as error:
        connection.in_atomic_block, connection.autocommit, connection.needs_rollback = False, True, False
        if isinstance(error, psycopg.errors.InvalidSqlStatementName):
            raw.close()  # what it has prepared is not what psycopg thinks it has
        connection.run_on_commit = []  # what was to follow this commit follows no other
        _roll_back(raw)
        raise
    finally:
        _hurried.reset(token)
    connection.in_atomic_block, connection.autocommit = False, True
    connection.run_and_clear_commit_hooks()


def _roll_back(raw: psycopg.Connection[Any]) -> None:
    try:
        raw.rollback()
    except psycopg.Error:
        connection.close()


def enter_by(statement: str, values: Sequence[Any]) -> None:
    """From here on the transaction is of the organization whose id the statement finds; where it finds none, of nobody."""
    with sql() as cursor:
        cursor.execute(f"SELECT set_config('innsync.organization', coalesce(({statement})::text, ''), true)", values)


def untouched() -> bool:
    """Whether the present transaction has written nothing so far."""
    with sql() as cursor:
        row = cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NULL").fetchone()
    return row == (True,)


@contextmanager
def together() -> Iterator[None]:
    """What is `write`-ten inside goes to the database as one statement, in the end; after an exception, not at all.

    A great many writes become several. None of it sees what another part writes. That what it refers to exists is checked afterwards.
    """
    if _together.get() is not None:
        yield
        return
    batch = _Batch()
    token = _together.set(batch)
    try:
        yield
    finally:
        _together.reset(token)
    with sql() as cursor:
        for statement, values in batch.first:
            cursor.execute(statement, values)
    for parts in _shared_out(batch.parts):
        statement = _joined(tuple(part for part, _ in parts))
        with _cursor(_RawCursor) as raw:
            raw.execute(statement, [value for _, values in parts for value in values])


def _shared_out(parts: Sequence[tuple[str, Sequence[Any]]]) -> Iterator[list[tuple[str, Sequence[Any]]]]:
    """Groups in their order, each of as many as a statement takes: PostgreSQL knows 65,535 parameters."""
    group: list[tuple[str, Sequence[Any]]] = []
    given = 0
    for part in parts:
        if group and (len(group) >= MOST_PARTS or given + len(part[1]) > MOST_VALUES):
            yield group
            group, given = [], 0
        group.append(part)
        given += len(part[1])
    if group:
        yield group


@lru_cache(maxsize=256)
def _joined(parts: tuple[str, ...]) -> str:
    """One statement of all, its parameters numbered: long ones with names for them would be read anew each time."""
    number = count(1)
    numbered = (re.sub("%s", lambda _: f"${next(number)}", part) for part in parts)
    return f"WITH {', '.join(f'part_{at} AS ({part})' for at, part in enumerate(numbered))} SELECT"


def write(statement: str, values: Sequence[Any]) -> None:
    """An INSERT, UPDATE or DELETE whose result nobody needs: now, or with the others of `together`."""
    batch = _together.get()
    if batch is not None:
        batch.parts.append((statement, values))
        return
    with sql() as cursor:
        cursor.execute(statement, values)


def write_first(statement: str, values: Values) -> None:
    """The same for what others wait for: as late as they allow, just before what is written `together`, and in its order."""
    batch = _together.get()
    if batch is not None:
        batch.first.append((statement, values))
        return
    with sql() as cursor:
        cursor.execute(statement, values)


def jsonb(value: Any) -> Jsonb:
    """A value for a JSON column."""
    return Jsonb(value, dumps=orjson.dumps)


def _present() -> str:
    with sql() as cursor:
        row = cursor.execute("SELECT current_setting('innsync.organization', true)").fetchone()
    return (row[0] or "") if row else ""


def _enter(organization_id: str) -> None:
    with sql() as cursor:
        cursor.execute("SELECT set_config('innsync.organization', %s, true)", (organization_id,))
