"""A whole replay while every channel fails now and then and the only worker is killed again and again."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from innsync.integrations.simulation import faults
from tests.flows.replaying import SMALL_HOTEL, Nobody, lasting_sandbox, play, start_worker, wrong

VENDORS = ("booking_com", "expedia", "channex")
AT_MOST, AT_LEAST = 5, 3
LOOK_EVERY_S = 0.02
SILENCE_S = 3


class Reaper(Nobody, threading.Thread):
    """Keeps one worker running; from the first booking on it is killed in the middle of a job, and the last one lives on.

    killed: how each ended. Given to the replay as its watcher, so that it knows when bookings are played.
    """

    def __init__(self, database: str, *, kills: int) -> None:
        super().__init__(name="reaper", daemon=True)
        self.database = database
        self.kills = kills
        self.killed: list[int] = []
        self._chance = random.Random(5)
        self._playing = threading.Event()
        self._over = threading.Event()

    def phase(self, text: str, total: int = 0) -> None:
        if text == "Playing":
            self._playing.set()

    def run(self) -> None:
        with psycopg.connect(self.database, autocommit=True) as server:
            while not self._over.is_set():
                self._one_life(server)

    def stop(self) -> None:
        self._over.set()
        self.join(30)

    def _one_life(self, server: psycopg.Connection[tuple[int, int]]) -> None:
        left_by_the_dead = self._doing(server)
        worker = start_worker(self.database)
        try:
            if len(self.killed) < self.kills and self._is_at_work(server, left_by_the_dead):
                worker.send_signal(signal.SIGKILL)
                self.killed.append(worker.wait(10))
            else:
                self._over.wait()
        finally:
            worker.terminate()
            worker.wait(20)

    def _is_at_work(self, server: psycopg.Connection[tuple[int, int]], others: set[tuple[int, int]]) -> bool:
        """Wait until the worker was seen at some jobs and is at one. False when the test is over before."""
        wanted, seen = self._chance.randrange(3, 12), set[tuple[int, int]]()
        while not self._over.wait(LOOK_EVERY_S):
            doing = self._doing(server) - others
            if self._playing.is_set():
                seen |= doing
            if doing and len(seen) >= wanted:
                return True
        return False

    @staticmethod
    def _doing(server: psycopg.Connection[tuple[int, int]]) -> set[tuple[int, int]]:
        """(job, its worker) of what is under way; what a dead one left is among it until somebody takes it up."""
        return set(server.execute("SELECT id, worker_id FROM procrastinate_jobs WHERE status = 'doing'").fetchall())


@pytest.fixture
def sandbox_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An answer lost is a gateway's time-out soon, else a replay of seconds waits for minutes."""
    monkeypatch.setattr(faults, "HOLD_LIMIT_S", SILENCE_S)
    with lasting_sandbox() as url:
        yield url


@pytest.fixture
def reaper(database: str) -> Iterator[Reaper]:
    found = Reaper(database, kills=AT_MOST)
    found.start()
    yield found
    found.stop()


def faults_met(sandbox_url: str) -> dict[str, Counter[str]]:
    """How often each fault struck, by vendor."""
    with httpx.Client(base_url=f"{sandbox_url}/_control", timeout=60) as client:
        seen = {vendor: client.get(f"{vendor}/requests", params={"limit": 20_000}).json() for vendor in VENDORS}
    return {
        vendor: Counter(one["verdict"] for one in log["items"] if one["verdict"].startswith("fault:"))
        for vendor, log in seen.items()
    }


def test_bookings_end_as_the_oracle_says_though_channels_fail_and_workers_are_killed(
    sandbox_url: str, reaper: Reaper
) -> None:
    summary = play(SMALL_HOTEL, sandbox_url, faults=True, watcher=reaper)
    assert wrong(summary) == {}
    assert summary.facts["bookings"] > 250
    assert set(reaper.killed) == {-signal.SIGKILL}
    assert len(reaper.killed) >= AT_LEAST
    met = faults_met(sandbox_url)
    assert all(struck["fault:error"] for struck in met.values()), met
    assert sum((struck for struck in met.values()), Counter[str]())["fault:timeout_after_apply"], met
