"""Hands what the outbox holds to whoever acts on it, shortly after the change committed.

One relay works at a time, in whichever worker holds the advisory lock; it looks every 50 ms. Handlers run in the
transaction that removes the rows, so nothing is handed on twice or lost. A handler must be quick and do no I/O but SQL.
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

import structlog
from django.db import connection, transaction

from innsync.apps.accounts.tenancy import sql

log = structlog.get_logger()
RELAY_LOCK = 7_301_552
BATCH = 500
LOOK_EVERY_S = 0.05


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


def handles(topic: str) -> Callable[[Handler], Handler]:
    """Register the one handler of a topic; it gets an organization's entries in order, inside its tenant transaction."""

    def register(handler: Handler) -> Handler:
        _handlers[topic] = handler
        return handler

    return register


def chore(work: Callable[[datetime], None]) -> Callable[[datetime], None]:
    """Register work that the relay does at every look: what is due is turned into jobs here."""
    _chores.append(work)
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
            _handlers[topic](organization_id, list(group))
    return len(rows)


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


def _lead(stop: threading.Event) -> bool:
    with sql() as cursor:
        if not cursor.execute("SELECT pg_try_advisory_lock(%s)", (RELAY_LOCK,)).fetchone()[0]:  # type: ignore[index]
            return False
    try:
        while not stop.is_set():
            started = time.monotonic()
            while relay_once() == BATCH and not stop.is_set():
                pass
            now = datetime.now(UTC)
            for work in _chores:
                work(now)
            stop.wait(max(0.0, LOOK_EVERY_S - (time.monotonic() - started)))
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with sql() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", (RELAY_LOCK,))
    return True
