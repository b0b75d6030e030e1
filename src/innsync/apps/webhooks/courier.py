"""Sends what happens to those who asked for it: one courier at a time, in whichever worker holds the lock.

Each endpoint is served by a task of its own, so that a slow one holds up nobody else. Asleep otherwise: it is woken by the
stream's doorbell, by what somebody changed, and when something is due.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections

from innsync.apps.events import stream
from innsync.apps.webhooks import rounds, signing
from innsync.apps.webhooks.rounds import Letter, Outcome, Served, Turn
from innsync.integrations.errors import quote
from innsync.integrations.posting import NotPosted, Poster

log = structlog.get_logger()
LOCK = 7_301_553
LOOK_EVERY_S = 0.5
HANDS = 8
"""Sent to one endpoint at a time."""
THREADS, LOOKUPS = 4, 64
AFTER_A_FAULT = timedelta(seconds=5)
ENDS_WITHIN_S = 3.0
ANSWER_KEPT = 1_000
Result = TypeVar("Result")


class Courier:
    """clock: tells the time; tests turn it on."""

    def __init__(self, *, poster: Poster, threads: ThreadPoolExecutor, clock: Callable[[], datetime]) -> None:
        self._poster, self._threads, self._clock = poster, threads, clock
        self._attended: dict[UUID, _Attended] = {}

    def see(self, served: dict[UUID, Served], news_of: set[UUID]) -> None:
        """Attend to these endpoints from now on and to no others; wake those that something is new for."""
        for endpoint_id in self._attended.keys() - served.keys():
            self._attended.pop(endpoint_id).task.cancel()
        for endpoint_id, one in served.items():
            known = self._attended.get(endpoint_id)
            if known is None or known.task.done():
                wake = asyncio.Event()
                work = self._attend(one.organization_id, endpoint_id, wake)
                self._attended[endpoint_id] = _Attended(one.version, wake, asyncio.ensure_future(work))
            elif known.version != one.version or one.organization_id in news_of:
                known.version = one.version
                known.wake.set()

    async def end(self) -> None:
        """What was sent and not written down yet is sent again by the next courier."""
        tasks = [one.task for one in self._attended.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=ENDS_WITHIN_S)

    async def _attend(self, organization_id: UUID, endpoint_id: UUID, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            try:
                again_at = await self.serve(organization_id, endpoint_id)
            except Exception:
                log.exception("webhooks_not_served", organization_id=str(organization_id), endpoint_id=str(endpoint_id))
                again_at = self._clock() + AFTER_A_FAULT
            wait = None if again_at is None else max(0.0, (again_at - self._clock()).total_seconds())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), wait)

    async def serve(self, organization_id: UUID, endpoint_id: UUID) -> datetime | None:
        """Send what is due. Answers when to look again; None: when something is new."""
        now = self._clock()
        turn = await self._run(lambda: rounds.take(organization_id=organization_id, endpoint_id=endpoint_id, now=now))
        if turn is None:
            return None
        if not turn.letters:
            return turn.again_at
        outcomes = await self._send(turn)
        await self._run(
            lambda: rounds.record(
                organization_id=organization_id, endpoint_id=endpoint_id, outcomes=outcomes, now=self._clock()
            )
        )
        return self._clock()

    async def _send(self, turn: Turn) -> list[Outcome]:
        """The letters, some at a time; the rest stays where it is once several in a row did not arrive."""
        waiting, outcomes = list(reversed(turn.letters)), list[Outcome]()

        async def hand() -> None:
            while waiting and not (
                len(outcomes) >= rounds.RESTS_AFTER and not any(one.well for one in outcomes[-rounds.RESTS_AFTER :])
            ):
                outcomes.append(await self._send_one(turn, waiting.pop()))

        await asyncio.gather(*(hand() for _ in range(min(HANDS, len(waiting)))))
        return outcomes

    async def _send_one(self, turn: Turn, letter: Letter) -> Outcome:
        now = self._clock()
        headers = signing.headers(message_id=str(letter.event_id), body=letter.body, keys=turn.secrets, now=now)
        headers |= {"content-type": "application/json", "user-agent": "Innsync-Webhooks"}
        try:
            posted = await self._poster.post(turn.url, headers=headers, body=letter.body)
        except NotPosted as error:
            return Outcome(letter, now, None, 0.0, "", str(error))
        answer = quote(posted.body.decode("utf-8", "replace"))[:ANSWER_KEPT]
        words = "a redirect is not followed" if 300 <= posted.status < 400 else ""
        return Outcome(letter, now, posted.status, posted.duration_ms, answer, words, posted.retry_after)

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _on_own_connection, work)


class _Attended:
    def __init__(self, version: int, wake: asyncio.Event, task: asyncio.Future[None]) -> None:
        self.version, self.wake, self.task = version, wake, task


def _on_own_connection(work: Callable[[], Result]) -> Result:
    try:
        return work()
    finally:
        connection.close()


def run(stop: threading.Event) -> None:
    """Serve until told to stop. Several processes may run this; one works, the others stand by."""
    while not stop.is_set():
        try:
            if not _lead(stop):
                stop.wait(1)
        except Exception:
            log.exception("courier_failed")
            stop.wait(1)


def _lead(stop: threading.Event) -> bool:
    """Whether this process had the lock. The connection that holds it is looked at all the time: lost, all ends."""
    own = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        own.ensure_connection()
        raw: psycopg.Connection[Any] = own.connection
        if raw.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
            return False
        try:
            raw.execute(f"LISTEN {stream.DOORBELL}")
            asyncio.run(_work(raw, stop))
        finally:
            with contextlib.suppress(psycopg.Error):
                raw.execute("UNLISTEN *")
                raw.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
        return True
    finally:
        own.close()


async def _work(raw: psycopg.Connection[Any], stop: threading.Event) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(LOOKUPS, thread_name_prefix="names"))
    poster = Poster(allow_private=settings.SANDBOX)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="courier") as threads:
        courier = Courier(poster=poster, threads=threads, clock=lambda: datetime.now(UTC))
        seen: int | None = None
        try:
            while not stop.is_set():
                served, news_of, seen = await loop.run_in_executor(threads, _look, raw, seen)
                courier.see(served, news_of)
        finally:
            await courier.end()
            await poster.close()


def _look(raw: psycopg.Connection[Any], seen: int | None) -> tuple[dict[UUID, Served], set[UUID], int]:
    """What is to be served, and which organizations have news; waits a moment for some."""
    for _ in raw.notifies(timeout=LOOK_EVERY_S, stop_after=1):
        pass
    try:
        newest, news_of = stream.organizations_after(stream.last_position() if seen is None else seen)
        return rounds.list_served(), news_of, newest
    finally:
        connection.close()
