"""The worker: runs jobs, and hands on what the outbox holds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import signal
import threading
from collections.abc import Callable, Iterable
from typing import Any

import django
import structlog
from django.conf import settings
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.psycopg_connector import PsycopgConnector
from psycopg import AsyncConnection, OperationalError
from psycopg_pool import AsyncConnectionPool

from innsync.ops.logs import bound

log = structlog.get_logger()
HEARTBEAT_S = 1.0
STALLED_AFTER_S = 4.0
LOOK_FOR_STALLED_EVERY_S = 2.0
AGAIN_AFTER_S = 2
CONNECTED_WITHIN_S = 10.0
"""A worker that gets no connection for that long ends. The one that takes its place looks for the database more often."""
LOOK_FOR_DATABASE_EVERY_S = 0.5
URGENT_HANDS = 3
"""So many urgent jobs a worker does at a time while all its other hands are full."""
LOGGED = ("organization_id", "property_id", "account_id", "connection_id")
"""What a job is about, of its arguments: they stand on every line that it logs."""


def run_worker() -> None:
    """Work until SIGTERM or SIGINT, then finish what is under way. Blocking."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
    django.setup()
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    learn()
    from innsync.apps.events import relay
    from innsync.apps.webhooks import courier

    stop = threading.Event()
    beside = [
        threading.Thread(target=work, args=(stop,), name=name, daemon=True)
        for name, work in (("relay", relay.run), ("courier", courier.run))
    ]
    for thread in beside:
        thread.start()
    try:
        asyncio.run(_work())
    finally:
        stop.set()
        for thread in beside:
            thread.join(5)


def learn() -> None:
    """Import all that registers jobs, what the relay hands on to whom, and what it does at every look."""
    from innsync.apps.distribution import handlers  # noqa: F401
    from innsync.apps.events import stream  # noqa: F401
    from innsync.apps.inbox import tasks as inbox  # noqa: F401
    from innsync.apps.mail import tasks as mail  # noqa: F401
    from innsync.apps.messaging import tasks as messaging  # noqa: F401
    from innsync.apps.webhooks import tasks as webhooks  # noqa: F401


async def _work() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.utils import connector_params

    from innsync.apps.events.jobs import URGENT_QUEUE

    concurrency: int = settings.WORKER_CONCURRENCY
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(concurrency + URGENT_HANDS + 4, thread_name_prefix="job"))
    worker_app = app.with_connector(PsycopgConnector(pool_factory=_pool, kwargs=connector_params("default")))
    jobs = Jobs()
    await _until_reached()
    async with worker_app.open_async():
        side = asyncio.create_task(_rescue(worker_app, jobs))
        # The first takes everything, urgent jobs before others; when all its hands are full, the second's are not.
        lanes = [
            asyncio.create_task(_lane(worker_app, jobs, concurrency, None)),
            asyncio.create_task(_lane(worker_app, jobs, URGENT_HANDS, [URGENT_QUEUE])),
        ]
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        try:
            # A lane that ended by itself lost the database; so did the other, and the supervisor starts us again.
            await asyncio.wait([*lanes, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
            for lane in lanes:
                lane.cancel()
            for end in await asyncio.gather(*lanes, return_exceptions=True):
                if isinstance(end, Exception):
                    log.error("worker_ends", error=repr(end))
        finally:
            side.cancel()


async def _until_reached() -> None:
    """Wait for the database, however long it is away: who ended for that would be started again later and later."""
    from innsync.apps.accounts.lane import connect

    waiting = False
    while True:
        try:
            (await asyncio.to_thread(connect)).close()
            return
        except OperationalError as error:
            if not waiting:
                log.warning("worker_waits_for_database", error=str(error).splitlines()[0])
            waiting = True
        await asyncio.sleep(LOOK_FOR_DATABASE_EVERY_S)


def _pool(**arguments: Any) -> AsyncConnectionPool:
    return AsyncConnectionPool(**{**arguments, "check": _refuse_closed, "timeout": CONNECTED_WITHIN_S})


async def _refuse_closed(connection: AsyncConnection[Any]) -> None:
    """Raises OperationalError for a connection that the server has closed.

    Nothing is to be read from one that nobody asked anything. Asking whether it answers, as the pool itself would, takes
    as long as taking a job.
    """
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    if look.poll(0):
        await connection.close()  # else the pool, which can't see it, would give it out again and again
        raise OperationalError("the server has closed the connection")


async def _lane(app: Any, jobs: Jobs, hands: int, queues: list[str] | None) -> None:
    """So many jobs at a time of these queues (None: of all), until cancelled: then what is under way is finished."""
    from procrastinate.contrib.django.db_cleanup import close_db_connections

    await app.run_worker_async(
        queues=queues,
        concurrency=hands,
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT_S,
        stalled_worker_timeout=STALLED_AFTER_S,
        fetch_job_polling_interval=1.0,
        abort_job_polling_interval=30.0,
        shutdown_graceful_timeout=8.0,
        delete_jobs="always",
        task_middleware=[close_db_connections, jobs.run],
    )


class Jobs:
    """The jobs of this process, and what becomes of one that fails.

    Procrastinate's own retry can't be used with queueing locks: it makes the failed job wait again, which is refused
    when an equal one waits already, and then the job stays `doing`, and its lock taken, for as long as the worker lives.
    """

    def __init__(self) -> None:
        self.workers: set[int] = set()
        self.under_way: set[int] = set()
        self._looked_lost: set[int] = set()

    def run(self, call_next: Callable[[], Any], context: Any, worker: object) -> Any:
        """Around each job, in its thread."""
        job = context.job
        self.under_way.add(job.id)
        if job.worker_id is not None:
            self.workers.add(job.worker_id)
        try:
            with bound(job_id=job.id, task=job.task_name, **{name: job.task_kwargs.get(name) for name in LOGGED}):
                return self._run_one(call_next, job)
        finally:
            self.under_way.discard(job.id)

    @staticmethod
    def _run_one(call_next: Callable[[], Any], job: Any) -> Any:
        try:
            return call_next()
        except Exception:
            log.exception("job_failed", lock=job.lock)
            _queue_again(job)

    def lost(self, doing: Iterable[Any]) -> list[Any]:
        """Those of our jobs whose end could not be written down: in the second look, not under way in either."""
        seen = {job.id: job for job in doing if job.worker_id in self.workers and job.id not in self.under_way}
        lost = [job for identifier, job in seen.items() if identifier in self._looked_lost]
        self._looked_lost = set(seen)
        return lost


def _queue_again(job: Any) -> None:
    """An equal job in a moment, unless one waits already. Raises when the database is away: then it is found as lost."""
    from django.db import connection, transaction
    from procrastinate.contrib.django import app
    from procrastinate.exceptions import AlreadyEnqueued

    try:
        with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
            app.tasks[job.task_name].configure(
                lock=job.lock,
                queueing_lock=job.queueing_lock,
                priority=job.priority,
                queue=job.queue,
                schedule_in={"seconds": AGAIN_AFTER_S},
            ).defer(**job.task_kwargs)
    finally:
        connection.close()


async def _rescue(app: Any, jobs: Jobs) -> None:
    """Give the jobs of a worker that died to another one, and let go those whose end was lost.

    Procrastinate itself leaves them `doing` for ever.
    """
    while True:
        await asyncio.sleep(LOOK_FOR_STALLED_EVERY_S)
        try:
            stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S))
            for job in [*stalled, *jobs.lost(await app.job_manager.list_jobs_async(status="doing"))]:
                await _take_over(app.job_manager, job)
        except Exception:
            log.exception("rescue_failed")


async def _take_over(manager: Any, job: Any) -> None:
    """Queue the job anew; when an equal one waits already, end this one, so that its lock lets that one go."""
    try:
        await manager.retry_job(job)
    except (UniqueViolation, ConnectorException):
        await manager.finish_job(job, Status.FAILED, delete_job=True)
    log.warning("job_taken_over", job_id=job.id, task=job.task_name)
