"""Urgent work waits for nothing: not for a long queue, not for hands that are all full; and a dead worker's work goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from procrastinate.contrib.django import app

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution import tasks
from innsync.apps.events import jobs

ROOT = Path(__file__).parent.parent.parent
LONG_QUEUE = 10_000
HANDS, LANES = 4, 2
START_LIMIT_S = 30.0


@contextmanager
def worker(kind: str) -> Iterator[subprocess.Popen[bytes]]:
    """The product's worker, in which assigning rooms and reconciling do as `idle_worker` says."""
    keys = {
        "INNSYNC_SECRET_KEY": settings.SECRET_KEY,
        "INNSYNC_ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
        "INNSYNC_WORKER_CONCURRENCY": str(HANDS),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.flows.idle_worker", kind],
        cwd=ROOT,
        env={**os.environ, **keys},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def queue(database: str) -> Iterator[None]:
    """Nothing in it before and after: what others left there would be work for these workers."""
    clear()
    yield
    clear()


def clear() -> None:
    with sql() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
        cursor.execute("DELETE FROM events_laterjob")


def fill(count: int) -> None:
    with sql() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)"
            " SELECT %s, 'assign_rooms', %s, 'rooms:' || n, 'assign_rooms:rooms:' || n, jsonb_build_object("
            "   'organization_id', gen_random_uuid(), 'property_id', gen_random_uuid(),"
            "   'first', '2030-01-01', 'last', '2030-01-02') FROM generate_series(1, %s) n",
            (jobs.QUEUE, jobs.LATER, count),
        )


@pytest.fixture
def believed_empty(database: str, queue: None) -> Iterator[None]:
    """The queue was long once, and what PostgreSQL knows of it is what autovacuum found later: a few jobs under way."""
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute("ALTER TABLE procrastinate_jobs SET (autovacuum_enabled = off)")
        fill(LONG_QUEUE)
        clear()
        fill(HANDS)
        owner.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        owner.execute("VACUUM ANALYZE procrastinate_jobs")
        clear()
        yield
        owner.execute("ALTER TABLE procrastinate_jobs RESET (autovacuum_enabled)")


def of(task: str, status: str) -> int:
    with sql() as cursor:
        row = cursor.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s AND status::text = %s", (task, status)
        ).fetchone()
    return int(row[0]) if row else 0


def took(done: Callable[[], bool], *, within_s: float) -> float:
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < within_s, "it never came to that"
        time.sleep(0.005)
    return time.monotonic() - began


def time_until_urgent_is_done() -> float:
    tasks.enqueue_reconcile(uuid4(), [uuid4()])
    return took(lambda: of("reconcile_connection", "todo") + of("reconcile_connection", "doing") == 0, within_s=20)


def test_a_queue_of_ten_thousand_delays_what_is_urgent_by_less_than_a_second(believed_empty: None) -> None:
    fill(LONG_QUEUE)
    with worker("quick"):
        took(lambda: of("assign_rooms", "todo") < LONG_QUEUE, within_s=START_LIMIT_S)
        waits = [time_until_urgent_is_done() for _ in range(5)]
        assert of("assign_rooms", "todo") > LONG_QUEUE / 2, "the queue was long all the while"
    assert max(waits) < 1.0


def test_hands_that_are_all_full_of_slow_work_delay_what_is_urgent_by_less_than_a_second(queue: None) -> None:
    fill(HANDS * 2)
    with worker("slow"):
        took(lambda: of("assign_rooms", "doing") == HANDS, within_s=START_LIMIT_S)
        assert max(time_until_urgent_is_done() for _ in range(3)) < 1.0
        assert of("assign_rooms", "doing") == HANDS


def test_the_work_of_a_worker_that_was_killed_goes_on_within_ten_seconds(queue: None) -> None:
    fill(HANDS)
    with worker("slow") as doomed:
        took(lambda: of("assign_rooms", "doing") == HANDS, within_s=START_LIMIT_S)
        with worker("quick") as other:
            took(lambda: alive() == 2 * LANES, within_s=START_LIMIT_S)
            doomed.kill()
            doomed.wait()
            assert took(lambda: of("assign_rooms", "doing") + of("assign_rooms", "todo") == 0, within_s=20) < 10
            assert other.poll() is None


def alive() -> int:
    with sql() as cursor:
        row = cursor.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '2 seconds'"
        ).fetchone()
    return int(row[0]) if row else 0


class TestLaterJobs:
    def test_what_is_due_in_an_hour_is_no_job_yet(self, queue: None) -> None:
        jobs.enqueue_in("assign_rooms", seconds=3600, number=1)
        jobs.enqueue_in("assign_rooms", seconds=5, number=2)
        assert of("assign_rooms", "todo") == 1
        self.due(pretend="10 minutes")
        assert of("assign_rooms", "todo") == 1

    def test_it_is_queued_once_its_time_has_come_and_only_once(self, queue: None) -> None:
        jobs.enqueue_in("assign_rooms", seconds=3600, number=1)
        self.due(pretend="2 hours")
        self.due(pretend="2 hours")
        with sql() as cursor:
            found = cursor.execute("SELECT args, queue_name FROM procrastinate_jobs").fetchall()
        assert found == [({"number": 1}, app.tasks["assign_rooms"].queue)]

    @staticmethod
    def due(*, pretend: str) -> None:
        """As if so much time had passed."""
        with sql() as cursor:
            cursor.execute("UPDATE events_laterjob SET due_at = due_at - %s::interval", (pretend,))
        jobs.queue_later_jobs(datetime.now(UTC))
