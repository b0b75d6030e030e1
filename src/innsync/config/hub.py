"""Hands the events that commit to everybody in this process who follows them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

import psycopg
import structlog
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from innsync.apps.events import stream
from innsync.apps.events.stream import StreamedEvent

log = structlog.get_logger()
LOOK_AT_LEAST_EVERY_S = 1.0
AGAIN_AFTER_S = 0.5
READY_WITHIN_S = 5.0
Follower = Callable[[StreamedEvent], None]


class Hub:
    """One thread, begun with the first follower, with one database connection that listens for the doorbell.

    Followers are called on the event loop, in the order of the stream; they get what is placed after they joined, and
    possibly something from just before.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._followers: dict[UUID, set[Follower]] = defaultdict(set)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._seen: int | None = None

    def join(self, organization_id: UUID, follower: Follower) -> None:
        """Blocks for a moment the first time, until the database is listened to. Raises TimeoutError when it is not."""
        with self._lock:
            self._followers[organization_id].add(follower)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
        if not self._ready.wait(READY_WITHIN_S):
            raise TimeoutError

    def leave(self, organization_id: UUID, follower: Follower) -> None:
        with self._lock:
            self._followers[organization_id].discard(follower)
            if not self._followers[organization_id]:
                self._followers.pop(organization_id)

    def end(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            # Beside the one that reads: a ring that comes while a connection reads would be lost.
            doorbell = connections.create_connection(DEFAULT_DB_ALIAS)
            try:
                self._listen(doorbell)
            except Exception:
                # What comes meanwhile stands behind what was seen, and is read when the database is back.
                log.warning("events_not_followed", exc_info=True)
                self._stop.wait(AGAIN_AFTER_S)
            finally:
                connection.close()
                doorbell.close()

    def _listen(self, doorbell: BaseDatabaseWrapper) -> None:
        doorbell.ensure_connection()
        raw: psycopg.Connection[object] = doorbell.connection
        raw.execute(f"LISTEN {stream.DOORBELL}")
        try:
            if self._seen is None:
                self._seen = stream.last_position()
            self._ready.set()
            while not self._stop.is_set():
                self._seen = self._hand_out(self._seen)
                for _ in raw.notifies(timeout=LOOK_AT_LEAST_EVERY_S, stop_after=1):
                    pass
        finally:
            with contextlib.suppress(psycopg.Error):
                raw.execute("UNLISTEN *")  # the connection may be another's next

    def _hand_out(self, seen: int) -> int:
        newest, organizations = stream.organizations_after(seen)
        for organization_id in organizations:
            if organization_id in self._followers:
                self._hand_to(organization_id, seen, newest)
        return newest

    def _hand_to(self, organization_id: UUID, after: int, until: int) -> None:
        while after < until:
            events = stream.read(organization_id=organization_id, after=after)
            if not events:
                return
            with self._lock:
                followers = list(self._followers.get(organization_id, ()))
            self._loop.call_soon_threadsafe(_tell, followers, events)
            after = events[-1].position


def _tell(followers: list[Follower], events: list[StreamedEvent]) -> None:
    for event in events:
        for follower in followers:
            follower(event)
