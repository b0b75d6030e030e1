"""Seeing when the hub has applied what guests cancelled at the channels."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from uuid import UUID

import psycopg
import structlog
from django.db import OperationalError

from innsync.ops.replay.ledger import Ledger

log = structlog.get_logger()
LOOK_EVERY_S = 0.5

_CANCELLED = """
SELECT b.channel, b.channel_ref FROM reservations_booking b
WHERE b.connection_id = ANY(%s) AND b.channel_ref = ANY(%s) AND b.status = 'cancelled'
"""


class Watch:
    """Looks now and then which cancellations have arrived, and tells the ledger: a channel's takes a moment to come in.

    One thread; `expect` may be called from any. A look only ever comes after the fact, so that a room is never taken for
    free before it was.
    """

    def __init__(self, *, organization_id: UUID, connection_ids: Sequence[UUID], ledger: Ledger) -> None:
        self.organization_id = organization_id
        self.connection_ids = list(connection_ids)
        self.ledger = ledger
        self._expected: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def expect(self, number: int, channel: str, reference: str) -> None:
        """The row's booking was cancelled at this channel, where it has this reference."""
        with self._lock:
            self._expected[channel, reference] = number

    def _run(self) -> None:
        from django.db import connection

        try:
            while not self._stop.wait(LOOK_EVERY_S):
                try:
                    self.look()
                except (psycopg.Error, OperationalError):
                    log.warning("watch_failed", exc_info=True)
                    connection.close()
        finally:
            connection.close()

    def look(self) -> None:
        """Note each expected cancellation that the hub has committed by now."""
        from innsync.apps.accounts.tenancy import sql, tenant

        with self._lock:
            expected = dict(self._expected)
        if not expected:
            return
        with tenant(self.organization_id), sql() as cursor:
            references = [reference for _, reference in expected]
            found = cursor.execute(_CANCELLED, (self.connection_ids, references)).fetchall()
        for sale in expected.keys() & set(found):
            self.ledger.free(expected[sale])
            with self._lock:
                del self._expected[sale]
