"""One database connection of an event loop: what is asked goes out at once, and answers come back in the order of asking.

For hot paths beside Django, which asks in threads and waits. Everything asked together is one transaction (PostgreSQL's
pipeline mode makes it one without BEGIN), so a tenant can be named in it for all that follows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg
from django.db import connections
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
Values = Sequence[bytes | None]
APPLICATION = "innsync searches"
"""How an operator knows the connection in pg_stat_activity."""


class Statement(NamedTuple):
    """name: under which it is prepared, each its own. Values stand in the text as $1, $2 ..., and are given as text."""

    name: bytes
    text: bytes


ENTER = Statement(b"enter", b"SELECT set_config('innsync.organization', $1, true)")
"""The rows of this organization, and no others, exist for what is asked together with it."""


class _Asked(NamedTuple):
    """kept: for each result that will come whether somebody wants it."""

    answer: asyncio.Future[list[PGresult]]
    kept: deque[bool]
    results: list[PGresult]


class Lane:
    """A connection that is used up by its first fault: then everything that waits gets it, and nothing more is asked.

    Belongs to the event loop that runs when it is made.
    """

    def __init__(self, connection: psycopg.Connection[Any], lost: Callable[[], None] = lambda: None) -> None:
        """connection: as `connect` makes it. lost: called when it breaks, also while nobody asks anything."""
        self._connection = connection
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Asked] = deque()
        self._prepared: set[bytes] = set()
        self._fault: BaseException | None = None
        self._pg = connection.pgconn
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._socket = self._pg.socket
        self._loop.add_reader(self._socket, self._read)

    @property
    def good(self) -> bool:
        return self._fault is None

    def ask(self, *asked: tuple[Statement, Values]) -> asyncio.Future[list[PGresult]]:
        """The results, one a statement, all of one transaction. The future raises psycopg.Error."""
        waiting = _Asked(self._loop.create_future(), deque(), [])
        if self._fault is not None:
            waiting.answer.set_exception(psycopg.OperationalError("the connection is gone"))
            return waiting.answer
        self._waiting.append(waiting)
        try:
            for statement, values in asked:
                if statement.name not in self._prepared:
                    self._pg.send_prepare(statement.name, statement.text)
                    self._prepared.add(statement.name)
                    waiting.kept.append(False)
                self._pg.send_query_prepared(statement.name, values)
                waiting.kept.append(True)
            self._pg.pipeline_sync()
            self._flush()
        except psycopg.Error as error:
            self.close(error)
        return waiting.answer

    def close(self, error: BaseException | None = None) -> None:
        """error: what those that still wait are told."""
        if self._fault is not None:
            return
        self._fault = error or psycopg.OperationalError("the connection was closed")
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        while self._waiting:
            answer = self._waiting.popleft().answer
            if not answer.done():
                answer.set_exception(self._fault)
        self._connection.close()
        if error is not None:
            self._lost()

    def _flush(self) -> None:
        if self._pg.flush():
            self._loop.add_writer(self._socket, self._flush_more)

    def _flush_more(self) -> None:
        self._loop.remove_writer(self._socket)
        try:
            self._flush()
        except psycopg.Error as error:
            self.close(error)

    def _read(self) -> None:
        try:
            self._pg.consume_input()
            while self._waiting and not self._pg.is_busy():
                result = self._pg.get_result()
                if result is not None:  # None ends the results of one statement
                    self._take(result)
        except psycopg.Error as error:
            self.close(error)

    def _take(self, result: PGresult) -> None:
        """Raises psycopg.Error for a refusal."""
        asked = self._waiting[0]
        if result.status == ExecStatus.PIPELINE_SYNC:
            self._waiting.popleft()
            if not asked.answer.done():
                asked.answer.set_result(asked.results)
        elif result.status in _GOOD:
            if asked.kept.popleft():
                asked.results.append(result)
        else:
            raise psycopg.errors.error_from_result(result, encoding="utf-8")


def connect() -> psycopg.Connection[Any]:
    """A connection for a lane, as Django's own are made but outside of their pool. Blocks. Raises psycopg.Error."""
    parameters = {
        "connect_timeout": 3,
        **connections["default"].get_connection_params(),
        "application_name": APPLICATION,
    }
    return psycopg.connect(**parameters, autocommit=True)
