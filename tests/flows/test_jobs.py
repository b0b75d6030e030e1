"""Jobs that fail, and jobs whose end was lost."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution import tasks
from innsync.apps.events import jobs
from innsync.apps.reservations import tasks as reservation_tasks
from innsync.ops.jobs import Jobs, _take_over


@pytest.fixture
def lock(database: str) -> Iterator[str]:
    name = f"rooms:{uuid4()}"
    yield name
    with sql() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE starts_with(lock, %s)", (name,))


def enqueue(lock: str) -> None:
    tasks.enqueue(
        tasks.assign_rooms,
        lock=lock,
        organization_id=str(uuid4()),
        property_id=str(uuid4()),
        first="2030-01-01",
        last="2030-01-02",
    )


def statuses(lock: str) -> list[str]:
    with sql() as cursor:
        return [
            row[0]
            for row in cursor.execute("SELECT status FROM procrastinate_jobs WHERE lock = %s ORDER BY id", (lock,))
        ]


def work(*middleware: Any) -> None:
    async def run() -> None:
        worker = app.with_connector(app.connector.get_worker_connector())
        async with worker.open_async():
            await worker.run_worker_async(
                wait=False,
                install_signal_handlers=False,
                listen_notify=False,
                delete_jobs="always",
                **({"task_middleware": list(middleware)} if middleware else {}),
            )

    asyncio.run(run())


@pytest.fixture
def runs(lock: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How the runs ended of a job that fails the first time, just when an equal one is queued."""
    ended: list[str] = []

    def enqueue_elsewhere() -> None:
        enqueue(lock)
        connection.close()

    def fail_once(**_: object) -> None:
        if ended:
            ended.append("done")
            return
        ended.append("failed")
        other = threading.Thread(target=enqueue_elsewhere)  # not in the transaction that fails
        other.start()
        other.join()
        raise RuntimeError("deadlock detected")

    monkeypatch.setattr(reservation_tasks.services, "assign_rooms", fail_once)
    enqueue(lock)
    return ended


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_procrastinates_own_retry_leaves_such_a_job_doing_and_its_lock_taken(lock: str, runs: list[str]) -> None:
    """Shows that the next test can fail."""
    work()
    assert (statuses(lock), runs) == (["doing", "todo"], ["failed"])


def test_a_job_that_fails_while_an_equal_one_waits_gives_way_to_it(lock: str, runs: list[str]) -> None:
    work(Jobs().run)
    assert (statuses(lock), runs) == ([], ["failed", "done"])


def test_a_job_that_fails_alone_is_done_again_a_moment_later(lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("the database was away")

    monkeypatch.setattr(reservation_tasks.services, "assign_rooms", fail)
    enqueue(lock)
    work(Jobs().run)
    with sql() as cursor:
        waiting = cursor.execute(
            "SELECT status, scheduled_at > now(), scheduled_at < now() + interval '1 minute', queueing_lock"
            " FROM procrastinate_jobs WHERE lock = %s",
            (lock,),
        ).fetchall()
    assert waiting == [("todo", True, True, f"assign_rooms:{lock}")]


def enqueue_two(lock: str) -> None:
    about = {"organization_id": uuid4(), "property_id": uuid4(), "first": "2030-01-01", "last": "2030-01-02"}
    jobs.enqueue_each(tasks.assign_rooms, [(lock, about), (f"{lock}:2", about)])


@pytest.mark.parametrize("queue", [enqueue, enqueue_two])
def test_an_equal_job_that_ends_before_the_change_is_committed_is_done_once_more(
    lock: str, queue: Callable[[str], None]
) -> None:
    enqueue(lock)
    with transaction.atomic():
        queue(lock)
        with psycopg.connect(os.environ["DATABASE_URL"]) as elsewhere:
            gone = elsewhere.execute(
                "DELETE FROM procrastinate_jobs WHERE lock = %s RETURNING status", (lock,)
            ).fetchall()
        assert gone == [("todo",)]
    assert statuses(lock) == ["todo"]


@pytest.mark.parametrize("queue", [enqueue, enqueue_two])
def test_an_equal_job_that_still_waits_is_enough(lock: str, queue: Callable[[str], None]) -> None:
    enqueue(lock)
    with transaction.atomic():
        queue(lock)
    assert statuses(lock) == ["todo"]


def test_a_job_gets_ids_as_ids_and_gives_its_connection_back_even_when_it_fails(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization, prop = uuid4(), uuid4()
    given: list[object] = []

    def fail(**said: object) -> None:
        given.append(said["property_id"])
        raise RuntimeError("the database was away")

    monkeypatch.setattr(reservation_tasks.services, "assign_rooms", fail)
    with pytest.raises(RuntimeError):
        tasks.assign_rooms(
            organization_id=str(organization), property_id=str(prop), first="2030-01-01", last="2030-01-02"
        )
    assert given == [prop]
    assert connection.connection is None


@dataclass
class Doing:
    id: int
    worker_id: int | None
    task_name: str = "assign_rooms"


def test_only_our_own_jobs_that_nobody_runs_are_lost_and_only_at_the_second_look() -> None:
    jobs = Jobs()
    jobs.workers.add(7)
    jobs.under_way.add(1)
    running, gone, others = Doing(1, 7), Doing(2, 7), Doing(3, 8)
    assert jobs.lost([running, gone, others]) == []
    assert jobs.lost([running, gone, others]) == [gone]
    assert jobs.lost([running]) == []
    assert jobs.lost([running, gone]) == []


def test_a_lost_job_is_let_go_where_an_equal_one_waits(lock: str) -> None:
    enqueue(lock)
    with sql() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = %s", (lock,))
    enqueue(lock)
    assert statuses(lock) == ["doing", "todo"]

    async def take_over() -> None:
        worker = app.with_connector(app.connector.get_worker_connector())
        async with worker.open_async():
            for job in await worker.job_manager.list_jobs_async(lock=lock, status="doing"):
                await _take_over(worker.job_manager, job)

    asyncio.run(take_over())
    assert statuses(lock) == ["todo"]
