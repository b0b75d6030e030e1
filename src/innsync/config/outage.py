"""Whether the database can be reached. Nobody asks while all goes well: only whoever was let down by it has it looked into."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import structlog
from django.db import connections

from innsync.apps.accounts.lane import connect

AWAY_AFTER_S = 1.0
"""A database that is started anew is back within that, mostly: until then whoever needs it waits."""
AGAIN_AFTER_S = 0.25
_GOING_AND_COMING = "57P"  # SQLSTATE: shut down, crashed, starting up
log = structlog.get_logger()


class Outage:
    """Of one event loop.

    suspected: it failed somebody, and has not been found in order since. away: it has not been reached for a while.
    """

    def __init__(self, reach: Callable[[], None]) -> None:
        """reach: connects to the database and leaves it again. Blocks. Raises psycopg.Error."""
        self._reach = reach
        self._watching: asyncio.Task[None] | None = None
        self.suspected = False
        self.away = False

    def suspect(self) -> None:
        """Find out, and go on looking until it is there."""
        self.suspected = True
        if self._watching is None or self._watching.done():
            self._watching = asyncio.ensure_future(self._watch())

    def end(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        began, tries = loop.time(), 0
        # Not in the threads that answer: those may all be waiting for the database.
        while not await asyncio.to_thread(self._reached):
            tries += 1
            # Once may be a machine that is short of breath.
            if not self.away and tries > 1 and loop.time() - began >= AWAY_AFTER_S:
                self.away = True
                log.error("database_away")
            await asyncio.sleep(AGAIN_AFTER_S)
        if self.away:
            log.warning("database_back", after_s=round(loop.time() - began, 1))
        self.suspected = self.away = False

    def _reached(self) -> bool:
        try:
            self._reach()
        except psycopg.OperationalError as error:
            # One that answers, if only with a refusal, is there.
            return error.sqlstate is not None and not error.sqlstate.startswith(_GOING_AND_COMING)
        return True


def reach() -> None:
    """Also lets go of connections that broke meanwhile, of which each would fail somebody. Raises psycopg.Error."""
    connect().close()
    pool = connections["default"].pool  # type: ignore[attr-defined]  # PostgreSQL's
    if pool is not None:
        pool.check()
