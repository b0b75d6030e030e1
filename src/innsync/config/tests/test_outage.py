"""Whether the database is there is found out when somebody was let down by it, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg
import pytest

from innsync.config import outage
from innsync.config.outage import Outage, reach


class Reaching:
    """What trying to reach it comes to, one after the other; the last again and again."""

    def __init__(self, *results: type[psycopg.Error] | None) -> None:
        self.results, self.tried = list(results), 0

    def __call__(self) -> None:
        self.tried += 1
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if result is not None:
            raise result("no")


def play(reaching: Callable[[], None], steps: Callable[[Outage], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        found = Outage(reaching)
        try:
            await steps(found)
        finally:
            found.end()

    asyncio.run(run())


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "AGAIN_AFTER_S", 0.01)
    monkeypatch.setattr(outage, "AWAY_AFTER_S", 0.05)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.005)


def test_nobody_asks_before_somebody_doubts() -> None:
    reaching = Reaching(None)

    async def steps(found: Outage) -> None:
        await asyncio.sleep(0.1)
        assert not found.suspected
        assert reaching.tried == 0
        found.suspect()
        found.suspect()
        assert found.suspected
        await until(lambda: not found.suspected)
        assert not found.away
        assert reaching.tried == 1

    play(reaching, steps)


def test_it_is_away_when_it_is_not_reached_for_a_while_and_back_when_it_is() -> None:
    reaching = Reaching(psycopg.OperationalError)

    async def steps(found: Outage) -> None:
        found.suspect()
        await until(lambda: found.away)
        assert reaching.tried > 1
        reaching.results = [None]
        await until(lambda: not found.away)
        assert not found.suspected

    play(reaching, steps)


@pytest.mark.parametrize("down", [psycopg.errors.CannotConnectNow, psycopg.errors.AdminShutdown])
def test_a_server_that_is_coming_or_going_is_away(down: type[psycopg.Error]) -> None:
    async def steps(found: Outage) -> None:
        found.suspect()
        await until(lambda: found.away)

    play(Reaching(down), steps)


def test_a_server_that_refuses_is_there() -> None:
    async def steps(found: Outage) -> None:
        found.suspect()
        await until(lambda: not found.suspected)
        assert not found.away

    play(Reaching(psycopg.errors.TooManyConnections), steps)


def test_one_failure_is_not_enough() -> None:
    async def steps(found: Outage) -> None:
        found.suspect()
        await until(lambda: not found.suspected)
        assert not found.away

    play(Reaching(psycopg.errors.ConnectionTimeout, None), steps)


def test_the_real_one_is_reached(database: str) -> None:
    reach()
