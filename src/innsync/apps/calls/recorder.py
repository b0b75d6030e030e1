"""Takes what was answered and has it written shortly after, so that no answer waits for it and none is kept silent.

A call is put into memory, which takes a microsecond; a thread of each process writes what has come, several times a second.
While the database is away they wait. What then finds no room is counted, and the count is written as soon as it can be.
A process that is killed takes the last quarter of a second with it; one that ends writes it first.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque
from typing import NamedTuple
from uuid import UUID

import psycopg
import psycopg_pool
import structlog
from django.db import Error as DatabaseError
from django.db import connection

from innsync.apps.calls.models import NOBODY
from innsync.apps.calls.writing import Answered, Batch, Unwritable, sort_out, write

MOST_WAITING, MOST_BODY_BYTES = 50_000, 32_000_000
"""Calls, and bytes of their bodies, that wait in one process: minutes of a busy one's."""
AT_ONCE = 5_000
EVERY_S, SLOWEST_S = 0.25, 5.0
THREAD = "calls"
"""The name of the one that writes."""
_AWAY = (DatabaseError, psycopg.Error, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed, OSError)
log = structlog.get_logger()


class _Lost(NamedTuple):
    since: float
    calls: int


class Recorder:
    """Of one process. Its thread begins with the first call."""

    def __init__(self, *, most: int = MOST_WAITING, own_thread: bool = True) -> None:
        """own_thread: without it somebody else calls `flush`."""
        self._most, self._own_thread = most, own_thread
        self._calls: deque[Answered] = deque()
        self._batches: list[Batch] = []
        self._lost: dict[UUID, _Lost] = {}
        self._body_bytes = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._some = threading.Event()
        self._process = 0
        self._away = False

    def add(self, call: Answered) -> None:
        if len(self._calls) >= self._most:
            self._lose(call)
            return
        if call.body:
            with self._lock:
                if self._body_bytes + len(call.body) > MOST_BODY_BYTES:
                    call = call._replace(body=b"")
                self._body_bytes += len(call.body)
        self._calls.append(call)
        if not self._some.is_set():
            self._wake()

    def flush(self) -> bool:
        """Write what waits. False: some could not be written and waits on."""
        with self._writing:
            self._away = not self._write_all()
        return not self._away

    def _write_all(self) -> bool:
        while self._batches or self._calls or self._lost:
            if not self._batches and not self._sort_out():
                return False
            if not self._write_batches():
                return False
        return True

    def end(self) -> None:
        """Write what waits; for a process that goes. It does not wait for a database that was away already."""
        if self._process != os.getpid() or not (self._calls or self._batches or self._lost):
            return
        if self._away or not self.flush():
            waiting = len(self._calls) + sum(len(one.rows) for one in self._batches)
            log.error("calls_lost", calls=waiting + sum(one.calls for one in self._lost.values()))
        connection.close()

    def _sort_out(self) -> bool:
        """Make batches of what has come. False: whose calls these are could not be asked."""
        calls = [self._calls.popleft() for _ in range(min(AT_ONCE, len(self._calls)))]
        with self._lock:
            lost, self._lost = self._lost, {}
        try:
            batches = sort_out(calls, {one: (what.since, what.calls) for one, what in lost.items()})
        except _AWAY as error:
            self._calls.extendleft(reversed(calls))
            self._put_back(lost)
            _say(error, len(self._calls))
            return False
        with self._lock:
            self._body_bytes -= sum(len(one.body) for one in calls)
        self._batches = batches
        return True

    def _write_batches(self) -> bool:
        while self._batches:
            batch = self._batches[0]
            try:
                write(batch)
            except (
                Unwritable
            ) as error:  # one that the database does not take: the others are written, and it is counted
                log.error("call_not_recorded", error=str(error))
                self._batches[:1] = batch.without_what_fails()
            except _AWAY as error:
                _say(error, len(self._calls))
                connection.close()
                return False
            else:
                self._batches.pop(0)
        return True

    def _lose(self, call: Answered) -> None:
        """Count it. When the memory for that is full too, it counts as nobody's."""
        with self._lock:
            whose = call.organization_id or UUID(NOBODY)
            before = self._lost.get(whose)
            self._lost[whose] = _Lost(before.since, before.calls + 1) if before else _Lost(call.at, 1)

    def _put_back(self, lost: dict[UUID, _Lost]) -> None:
        with self._lock:
            for whose, what in lost.items():
                since = self._lost.get(whose)
                self._lost[whose] = _Lost(what.since, what.calls + (since.calls if since else 0))

    def _wake(self) -> None:
        if self._own_thread and self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    self._process = os.getpid()
                    threading.Thread(target=self._run, name=THREAD, daemon=True).start()
        self._some.set()

    def _run(self) -> None:
        waits_s = EVERY_S
        while True:
            self._some.wait()
            time.sleep(waits_s)
            self._some.clear()
            try:
                well = self.flush()
            except Exception:
                log.exception("calls_not_recorded")
                well = False
            connection.close()
            waits_s = EVERY_S if well else min(SLOWEST_S, waits_s * 2)
            if not well:
                self._some.set()


def _say(error: BaseException, waiting: int) -> None:
    log.warning("calls_wait_to_be_recorded", waiting=waiting, error=str(error)[:200])


recorder = Recorder()
atexit.register(recorder.end)
