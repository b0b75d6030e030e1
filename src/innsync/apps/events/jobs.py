"""Jobs: what workers do behind the scenes, and how it is queued."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial, wraps
from inspect import signature
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from procrastinate import RetryStrategy, exceptions
from procrastinate.contrib.django import app
from procrastinate.jobs import Job
from procrastinate.tasks import Task
from psycopg.types.json import Jsonb

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events.relay import chore

# Higher goes first: a sale must close elsewhere before anything else is done.
URGENT, NORMAL, LATER = 10, 0, -10
# Workers keep some of their hands free for these.
URGENT_QUEUE, QUEUE = "urgent", "default"
SOON_S = 60
"""What is due later than in so many seconds waits in a table of our own: jobs that wait make the queue slow for all others."""
AT_ONCE = 500
# For faults of our own, such as a lost database; what a vendor does wrong is handled inside.
AGAIN = RetryStrategy(max_attempts=20, exponential_wait=2)
A_FEW_TIMES = RetryStrategy(max_attempts=5, exponential_wait=2)


def job(
    name: str, *, retry: RetryStrategy | bool = False, queueing_lock: str | None = None
) -> Callable[[Callable[..., None]], Task[..., None, ...]]:
    """Register what a worker does. Arguments whose names end in `_id` come as the UUIDs that the queue keeps as text.

    A worker has many threads: the database connection is given back as soon as the work is over.
    """

    def register(work: Callable[..., None]) -> Task[..., None, ...]:
        takes = signature(work)

        @wraps(work)
        def run(*args: Any, **kwargs: Any) -> None:
            given = takes.bind(*args, **kwargs)
            for one, value in given.arguments.items():
                if one.endswith("_id"):
                    given.arguments[one] = UUID(str(value))
            try:
                work(*given.args, **given.kwargs)
            finally:
                connection.close()

        return app.task(name=name, retry=retry, queueing_lock=queueing_lock)(run)

    return register


def enqueue(task: Task[..., None, ...], *, lock: str, priority: int = NORMAL, **arguments: Any) -> None:
    """Queue a job unless an equal one waits already. Works inside a transaction."""
    try:
        with transaction.atomic():
            app.job_manager.defer_job(_job(task, lock, priority, arguments))
    except exceptions.AlreadyEnqueued:
        _make_sure(task, [(lock, arguments)], priority)


def enqueue_each(
    task: Task[..., None, ...], jobs: Sequence[tuple[str, Mapping[str, Any]]], *, priority: int = NORMAL
) -> None:
    """The same for many, each a lock and its arguments: in one statement where nobody queues one of them meanwhile."""
    if not jobs:
        return
    made = [_job(task, lock, priority, arguments) for lock, arguments in jobs]
    with sql() as cursor:
        waiting = cursor.execute(
            "SELECT queueing_lock FROM procrastinate_jobs WHERE queueing_lock = ANY(%s) AND status = 'todo'",
            ([one.queueing_lock for one in made],),
        ).fetchall()
    known = {one for (one,) in waiting}
    new = [one for one in made if one.queueing_lock not in known]
    try:
        if new:
            with transaction.atomic():
                app.job_manager.batch_defer_jobs(new)
    except exceptions.AlreadyEnqueued:
        for lock, arguments in jobs:
            enqueue(task, lock=lock, priority=priority, **arguments)
    else:
        _make_sure(task, [one for one, job in zip(jobs, made, strict=True) if job.queueing_lock in known], priority)


def _make_sure(task: Task[..., None, ...], jobs: Sequence[tuple[str, Mapping[str, Any]]], priority: int) -> None:
    """Queue them once the present transaction is committed, unless they wait then.

    A job that waits now may begin, and end, before it can see what is being written here.
    """
    if jobs and connection.in_atomic_block:
        transaction.on_commit(partial(enqueue_each, task, jobs, priority=priority))


def _job(task: Task[..., None, ...], lock: str, priority: int, arguments: Mapping[str, Any]) -> Job:
    said = {name: str(value) if isinstance(value, UUID) else value for name, value in arguments.items()}
    deferrer = task.configure(
        lock=lock,
        queueing_lock=f"{task.name}:{lock}",
        priority=priority,
        queue=URGENT_QUEUE if priority >= URGENT else QUEUE,
    )
    return deferrer.make_new_job(**said)


def enqueue_in(task_name: str, *, seconds: int, **arguments: Any) -> None:
    """Queue a job that is due in so many seconds. arguments: as JSON has them. Works inside a transaction."""
    if seconds <= SOON_S:
        app.configure_task(task_name, schedule_in={"seconds": seconds}).defer(**arguments)
        return
    with sql() as cursor:
        cursor.execute(
            "INSERT INTO events_laterjob (task, arguments, due_at)"
            " VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s))",
            (task_name, Jsonb(arguments), seconds),
        )


@chore
def queue_later_jobs(now: datetime) -> None:
    """Queue those whose time has come, by the database's clock as it was set."""
    with transaction.atomic(), sql() as cursor:
        due = cursor.execute(
            "DELETE FROM events_laterjob WHERE id IN (SELECT id FROM events_laterjob WHERE due_at <= clock_timestamp()"
            " ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING task, arguments",
            (AT_ONCE,),
        ).fetchall()
        for task_name, arguments in due:
            app.configure_task(task_name).defer(**arguments)
