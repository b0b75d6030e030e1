"""Is this process alive, and may it be sent traffic?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse

from innsync.apps.accounts.tenancy import sql

log = structlog.get_logger()
HEARTBEAT_WITHIN_S = 15
OLDEST_JOB_S = 300.0
OLDEST_OUTBOX_S = 30.0

Part = dict[str, Any]
_migrated = False


def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: answers without asking anything else."""
    return _json({"status": "ok"}, 200)


def readyz(request: HttpRequest) -> HttpResponse:
    """Fit for traffic: each part with `ok`; 503 when one is not."""
    parts: dict[str, Part] = {}
    for name, look in _PARTS.items():
        try:
            parts[name] = look()
        except Exception as error:
            log.warning("not_ready", part=name, error=type(error).__name__)
            parts[name] = {"ok": False, "why": "can't be asked"}
            if name == "database":
                break  # the others would each wait for it as long
    fit = all(part["ok"] for part in parts.values())
    return _json({"status": "ready" if fit else "not ready", "parts": parts}, 200 if fit else 503)


def _database() -> Part:
    with sql() as cursor:
        cursor.execute("SELECT 1")
    return {"ok": True}


def _migrations() -> Part:
    """Once they were found applied they stay so; until then each look asks."""
    global _migrated
    if not _migrated:
        from django.db.migrations.executor import MigrationExecutor

        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            return {"ok": False, "missing": len(missing)}
        _migrated = True
    return {"ok": True}


def _workers() -> Part:
    with sql() as cursor:
        row = cursor.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)",
            (HEARTBEAT_WITHIN_S,),
        ).fetchone()
    alive = row[0] if row else 0
    return {"ok": alive > 0, "alive": alive}


def _queue() -> Part:
    with sql() as cursor:
        row = cursor.execute(
            """
            SELECT
              (SELECT extract(epoch FROM now() - min(greatest(e.at, j.scheduled_at)))
               FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'
               WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())),
              (SELECT extract(epoch FROM now() - min(due_at)) FROM events_outbox WHERE due_at <= now())
            """
        ).fetchone() or (None, None)
    job_s, outbox_s = (round(float(age or 0), 1) for age in row)
    return {
        "ok": job_s <= OLDEST_JOB_S and outbox_s <= OLDEST_OUTBOX_S,
        "oldest_job_s": job_s,
        "oldest_outbox_s": outbox_s,
    }


_PARTS: dict[str, Callable[[], Part]] = {
    "database": _database,
    "migrations": _migrations,
    "workers": _workers,
    "queue": _queue,
}


def _json(body: Part, status: int) -> HttpResponse:
    response = HttpResponse(orjson.dumps(body), status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
