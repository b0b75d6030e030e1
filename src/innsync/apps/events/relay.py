"""Hands what the outbox holds to whoever acts on it, shortly after the change committed.

One relay works at a time, in whichever worker holds the advisory lock; it looks every 10 ms whether anything waits, in
one small statement. Handlers run in the transaction that removes the rows, so nothing is handed on twice or lost. A handler must be quick and do no I/O but SQL.
Rows that a handler fails on are put back and tried later, less often the older they are; nobody else's wait for them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from innsync.apps.accounts.tenancy import sql

log = structlog.get_logger()
RELAY_LOCK = 7_301_552
BATCH = 500
# Held up by others for a moment, not wrong in itself.
_PASSING = (psycopg.OperationalError,)
LOOK_EVERY_S = 0.01
CHORES_EVERY_S = 0.05
CHORE_RESTS_S = 1.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the outbox."""

    organization_id: UUID
    property_id: UUID
    topic: str
    payload: dict[str, Any]
    created_at: datetime


Handler = Callable[[UUID, Sequence[Entry]], None]
_handlers: dict[str, Handler] = {}
_chores: list[Callable[[datetime], None]] = []
_prompt_chores: list[Callable[[datetime], None]] = []
_WAITS = """
SELECT EXISTS (SELECT FROM events_outbox WHERE due_at <= clock_timestamp()) OR EXISTS (SELECT FROM events_freshevent)
"""
_resting: dict[Callable[[datetime], None], float] = {}


def handles(topic: str) -> Callable[[Handler], Handler]:
    """Register the one handler of a topic; it gets an organization's entries in order, inside its tenant transaction."""

    def register(handler: Handler) -> Handler:
        _handlers[topic] = handler
        return handler

    return register


def chore(work: Callable[[datetime], None]) -> Callable[[datetime], None]:
    """Register work that the relay does every 50 ms: what is due is turned into jobs here."""
    _chores.append(work)
    return work


def prompt_chore(work: Callable[[datetime], None]) -> Callable[[datetime], None]:
    """Register work that the relay does as soon as a change committed."""
    _prompt_chores.append(work)
    return work


def relay_once() -> int:
    """Hand on one batch. Answers how many entries it was."""
    with transaction.atomic(), sql() as cursor:
        rows = cursor.execute(
            "WITH taken AS (SELECT id FROM events_outbox WHERE due_at <= clock_timestamp()"
            " ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED),"
            " gone AS (DELETE FROM events_outbox o USING taken t WHERE o.id = t.id RETURNING o.*)"
            " SELECT organization_id, property_id, topic, payload, created_at FROM gone ORDER BY id",
            (BATCH,),
        ).fetchall()
        entries = sorted((Entry(*row) for row in rows), key=lambda entry: (entry.topic, entry.organization_id.int))
        for (topic, organization_id), group in groupby(entries, key=lambda entry: (entry.topic, entry.organization_id)):
            cursor.execute("SELECT set_config('innsync.organization', %s, true)", (str(organization_id),))
            _hand_on(cursor, topic, organization_id, list(group))
    return len(rows)


def _hand_on(cursor: psycopg.Cursor[Any], topic: str, organization_id: UUID, entries: Sequence[Entry]) -> None:
    """All entries to their handler at once, else one by one; what it fails on is put back.

    A connection that was lost fails here too, and with it the whole batch: nothing of it was removed then.
    """
    handler = _handlers.get(topic)
    if handler is None:  # written by a release newer than this one
        log.warning("outbox_topic_unknown", topic=topic, organization_id=str(organization_id))
        _put_back(cursor, entries)
        return
    try:
        with transaction.atomic():
            handler(organization_id, entries)
    except Exception as error:
        passing = isinstance(error, _PASSING) or isinstance(error.__cause__, _PASSING)
        if len(entries) > 1 and not passing:
            for entry in entries:
                _hand_on(cursor, topic, organization_id, [entry])
            return
        log.exception("outbox_not_handed_on", topic=topic, organization_id=str(organization_id), entries=len(entries))
        _put_back(cursor, entries)


def _put_back(cursor: psycopg.Cursor[Any], entries: Sequence[Entry]) -> None:
    cursor.executemany(
        "INSERT INTO events_outbox (organization_id, property_id, topic, payload, created_at, due_at)"
        " SELECT %(organization_id)s, %(property_id)s, %(topic)s, %(payload)s, %(created_at)s, clock_timestamp()"
        " + least(greatest(clock_timestamp() - %(created_at)s, interval '500 ms'), interval '5 minutes')",
        [
            {
                "organization_id": entry.organization_id,
                "property_id": entry.property_id,
                "topic": entry.topic,
                "payload": Jsonb(entry.payload),
                "created_at": entry.created_at,
            }
            for entry in entries
        ],
    )


def run(stop: threading.Event) -> None:
    """Relay until told to stop. Several processes may run this; one works, the others stand by."""
    while not stop.is_set():
        try:
            if not _lead(stop):
                stop.wait(0.5)
        except Exception:
            log.exception("relay_failed")
            stop.wait(1)
        finally:
            connection.close()


def _anything_waits() -> bool:
    with sql() as cursor:
        return cursor.execute(_WAITS).fetchone() == (True,)


def _do_all(chores: Sequence[Callable[[datetime], None]]) -> None:
    now = datetime.now(UTC)
    for work in chores:
        _do(work, now)


def _do(work: Callable[[datetime], None], now: datetime) -> None:
    """One chore; after a failure not again for a second. Raises only when the connection is lost."""
    if time.monotonic() < _resting.get(work, 0):
        return
    try:
        work(now)
    except Exception:
        _resting[work] = time.monotonic() + CHORE_RESTS_S
        log.exception("chore_failed", chore=work.__name__)
        if not connection.is_usable():
            raise


def _now() -> datetime:
    """By the database's clock, which all machines share: one whose own is wrong must not put off what others wait for."""
    with sql() as cursor:
        row: tuple[datetime] | None = cursor.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return row[0].astimezone(UTC)


def _lead(stop: threading.Event) -> bool:
    with sql() as cursor:
        if not cursor.execute("SELECT pg_try_advisory_lock(%s)", (RELAY_LOCK,)).fetchone()[0]:  # type: ignore[index]
            return False
    try:
        chores_at = 0.0
        while not stop.is_set():
            started = time.monotonic()
            if _anything_waits():
                while relay_once() == BATCH and not stop.is_set():
                    pass
                _do_all(_prompt_chores)
            if started >= chores_at:
                _do_all(_chores)
                chores_at = started + CHORES_EVERY_S
            # Whoever rests as long as he worked finds more at once, and leaves half a processor to those who sell.
            worked = time.monotonic() - started
            stop.wait(max(worked, LOOK_EVERY_S - worked))
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with sql() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", (RELAY_LOCK,))
    return True
