"""The worker: runs jobs, and hands on what the outbox holds."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from typing import Any

import django
import structlog
from django.conf import settings
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status

log = structlog.get_logger()
HEARTBEAT_S = 1.0
STALLED_AFTER_S = 4.0
LOOK_FOR_STALLED_EVERY_S = 2.0


def run_worker() -> None:
    """Work until SIGTERM or SIGINT, then finish what is under way. Blocking."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
    django.setup()
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    from innsync.apps.distribution import handlers  # noqa: F401  # registers what the relay calls
    from innsync.apps.events import relay
    from innsync.apps.inbox import tasks  # noqa: F401

    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,), name="relay", daemon=True)
    thread.start()
    try:
        asyncio.run(_work())
    finally:
        stop.set()
        thread.join(5)


async def _work() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from procrastinate.contrib.django import app

    concurrency: int = settings.WORKER_CONCURRENCY
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(concurrency + 4, thread_name_prefix="job"))
    connector: Any = app.connector  # Django's, which knows how to make a worker's own
    worker_app = app.with_connector(connector.get_worker_connector())
    async with worker_app.open_async():
        rescue = asyncio.create_task(_rescue_stalled(worker_app))
        try:
            await worker_app.run_worker_async(
                concurrency=concurrency,
                install_signal_handlers=True,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=STALLED_AFTER_S,
                fetch_job_polling_interval=1.0,
                abort_job_polling_interval=30.0,
                shutdown_graceful_timeout=8.0,
                delete_jobs="always",
            )
        finally:
            rescue.cancel()


async def _rescue_stalled(app: Any) -> None:
    """Give the jobs of a worker that died to another one. Procrastinate itself leaves them `doing` for ever."""
    while True:
        await asyncio.sleep(LOOK_FOR_STALLED_EVERY_S)
        try:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
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
