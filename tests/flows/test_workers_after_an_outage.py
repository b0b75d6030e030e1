"""The database goes away and comes back: a worker goes on, or makes way for another, before anybody waits for long."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from innsync.apps.accounts.tenancy import sql
from tests.flows.cable import Cable, laid

ROOT = Path(__file__).parent.parent.parent
STARTED_WITHIN_S, GOES_ON_WITHIN_S = 60.0, 20.0
LANES = 2
STILL_COUNTED_S = 4.0
"""By what was written before."""


@pytest.fixture
def cable(database: str) -> Iterator[Cable]:
    with laid(database) as found:
        yield found


@pytest.fixture
def work(cable: Cable) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts the product's worker."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "DATABASE_URL": cable.url,
            "INNSYNC_SECRET_KEY": settings.SECRET_KEY,
            "INNSYNC_ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
        }
        command = [sys.executable, "-m", "tests.flows.idle_worker", "quick"]
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def alive() -> int:
    with sql() as cursor:
        row = cursor.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '3 seconds'"
        ).fetchone()
    return row[0] if row else 0


def until(what: Callable[[], bool], within_s: float) -> float:
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within_s
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.parametrize("away_s", [0.0, 3.0])
def test_a_worker_that_lost_the_database_makes_way_or_goes_on_soon_after_it_is_back(
    cable: Cable, work: Callable[[], subprocess.Popen[bytes]], away_s: float
) -> None:
    worker = work()
    until(lambda: alive() == LANES, STARTED_WITHIN_S)
    cable.cut()
    time.sleep(away_s)
    cable.mend()
    time.sleep(STILL_COUNTED_S)
    until(lambda: worker.poll() is not None or alive() == LANES, GOES_ON_WITHIN_S)


def test_a_worker_that_is_started_while_the_database_is_away_waits_for_it(
    cable: Cable, work: Callable[[], subprocess.Popen[bytes]]
) -> None:
    until(lambda: alive() == 0, STARTED_WITHIN_S)  # none of another test
    cable.cut()
    worker = work()
    time.sleep(8)
    assert worker.poll() is None
    cable.mend()
    until(lambda: alive() == LANES, STARTED_WITHIN_S)
