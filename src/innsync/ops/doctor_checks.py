"""The checks that `innsync doctor` makes by itself."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

from innsync.ops import locks
from innsync.ops.databases import OLDEST_SERVER
from innsync.ops.doctor import Finding, Patient, check, fail, ok, warn

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 14)
LITTLE_ROOM_BYTES, NO_ROOM_BYTES = 2_000_000_000, 300_000_000
CLOCK_TOLERANCE = timedelta(seconds=2)
WORKER_SILENT_AFTER = timedelta(seconds=10)
QUEUE_WARN, QUEUE_FAIL = timedelta(seconds=30), timedelta(minutes=5)
# A row waits here for some hundredths of a second.
OUTBOX_WARN, OUTBOX_FAIL = timedelta(seconds=5), timedelta(minutes=1)
UNSENT_WARN, UNSENT_FAIL = timedelta(seconds=30), timedelta(minutes=10)

# Tenant tables without row-level security, each with its reason; any other one is a hole in the wall.
READ_ACROSS_TENANTS = {
    "accounts_apikey": "found by its hash before it is known whose it is",
    "accounts_membership": "found by the user before an organization is chosen",
    "events_outbox": "emptied by the relay for all organizations at once",
    "events_freshevent": "ids only, emptied by the relay for all organizations at once",
    "events_laterjob": "jobs that are due later; what they hold is encrypted, as in the queue",
    "events_streamentry": "ids only, read by web processes for the followers of many organizations",
    "distribution_dirty": "read by the reconciler for all organizations at once",
    "distribution_opendoor": "ids and names, read before the secret of a call says whose it is",
    "distribution_schedule": "read by the scheduler for all organizations at once",
    "webhooks_round": "ids only, read by the courier for all organizations at once",
}


@check()
def python(_patient: Patient) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        yield ok("python", version)
    else:
        yield fail("python", f"{version} is not supported", "Use Python 3.11 to 3.14: `make setup PYTHON=python3.12`.")


@check()
def disk(patient: Patient) -> Iterator[Finding]:
    place = next(folder for folder in (patient.data_dir, *patient.data_dir.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free at {patient.data_dir}"
    remedy = "Free some space: a full disk stops the database."
    if free < NO_ROOM_BYTES:
        yield fail("disk", detail, remedy)
    elif free < LITTLE_ROOM_BYTES:
        yield warn("disk", detail, remedy)
    else:
        yield ok("disk", detail)


@check()
def secret_key(patient: Patient) -> Iterator[Finding]:
    if os.environ.get("INNSYNC_SECRET_KEY"):
        yield ok("secret key", "from INNSYNC_SECRET_KEY")
        return
    path = patient.data_dir / "secret_key"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        yield warn("secret key", "there is none yet", "`innsync up` makes one on its first start.")
        return
    if mode & 0o077:
        yield fail("secret key", f"others may read {path} (mode {mode:o})", f"Run `chmod 600 {path}`.")
    else:
        yield ok("secret key", f"{path}, for its owner alone")


@check(needs_database=True)
def server_version(patient: Patient) -> Iterator[Finding]:
    assert patient.database is not None
    number = patient.database.info.server_version
    version = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    if number >= OLDEST_SERVER * 10_000:
        yield ok("database", version)
    else:
        yield fail("database", f"{version} is too old", f"Upgrade it to PostgreSQL {OLDEST_SERVER} or newer.")


@check(needs_database=True)
def clock(patient: Patient) -> Iterator[Finding]:
    """Ours against the database's: leases, signatures and deadlines compare the two."""
    before = datetime.now(UTC)
    there: datetime = _one(patient, "SELECT clock_timestamp()")
    after = datetime.now(UTC)
    offset = max(before - there, there - after, timedelta(0))
    if offset > CLOCK_TOLERANCE:
        yield fail(
            "clock",
            f"this machine and the database differ by {offset.total_seconds():.1f} s",
            "Keep both in step by NTP: signatures and deadlines depend on it.",
        )
    elif before.year < 2026:
        yield fail("clock", f"this machine believes it is {before.date()}", "Set the clock, by NTP.")
    else:
        yield ok("clock", "in step with the database's")


@check(needs_database=True)
def application_role(patient: Patient) -> Iterator[Finding]:
    assert patient.database is not None
    row = patient.database.execute(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert row is not None
    name, superuser, bypasses = row
    if superuser or bypasses:
        yield fail(
            "application role",
            f"{name} is not bound by row-level security",
            f"Run `ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS`, or name another login in DATABASE_URL.",
        )
    else:
        yield ok("application role", f"{name} is bound by row-level security")


@check(needs_database=True)
def tenants_apart(patient: Patient) -> Iterator[Finding]:
    assert patient.database is not None
    rows = patient.database.execute(
        """
        SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity
               AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
        ORDER BY c.relname
        """
    ).fetchall()
    open_tables = [table for table, closed in rows if not closed and table not in READ_ACROSS_TENANTS]
    if not rows:
        yield warn("row-level security", "there are no tables of tenants yet", "Run `innsync manage migrate`.")
    elif open_tables:
        yield fail(
            "row-level security",
            f"missing or not forced on {', '.join(open_tables)}",
            "Run `innsync manage migrate`; if it stays, somebody changed the tables by hand.",
        )
    else:
        yield ok("row-level security", f"forced on {sum(closed for _, closed in rows)} tables of tenants")


@check(needs_database=True)
def migrations(_patient: Patient) -> Iterator[Finding]:
    import django
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    executor = MigrationExecutor(connection)
    missing = [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    connection.close()
    if missing:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration in missing[:5])
        yield fail("migrations", f"{len(missing)} are missing: {names}", "Run `innsync manage migrate`.")
    else:
        yield ok("migrations", "all applied")


@check(needs_database=True)
def workers(patient: Patient) -> Iterator[Finding]:
    rows = _rows_if_there(patient, "procrastinate_workers", "SELECT last_heartbeat FROM procrastinate_workers")
    if rows is None:
        yield _not_there("workers", "procrastinate_workers")
        return
    alive = sum(patient.now - heartbeat < WORKER_SILENT_AFTER for (heartbeat,) in rows)
    silent = len(rows) - alive
    if alive:
        yield ok("workers", f"{alive} alive")
    elif locks.is_held(patient.data_dir / "innsync.lock"):
        log = patient.data_dir / "logs" / "worker-1.log"
        yield fail(
            "workers", f"none is alive, {silent} went silent", f"See {log}; `innsync up` starts them again by itself."
        )
    else:
        yield warn("workers", "none is alive", "Start them with `innsync up`; nothing is sent or fetched until then.")


@check(needs_database=True)
def queue(patient: Patient) -> Iterator[Finding]:
    """Jobs that could run now and were not taken, by the moment at which they became due."""
    rows = _rows_if_there(
        patient,
        "procrastinate_jobs",
        """
        SELECT count(*), min(coalesce(j.scheduled_at, e.at))
        FROM procrastinate_jobs j
        LEFT JOIN LATERAL (SELECT max(at) AS at FROM procrastinate_events
                           WHERE job_id = j.id AND type IN ('deferred', 'deferred_for_retry')) e ON true
        WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
        """,
    )
    yield _age_finding(
        patient, "queue", "procrastinate_jobs", rows, QUEUE_WARN, QUEUE_FAIL, ("1 job waits", "jobs wait")
    )


@check(needs_database=True)
def outbox(patient: Patient) -> Iterator[Finding]:
    rows = _rows_if_there(patient, "events_outbox", "SELECT count(*), min(created_at) FROM events_outbox")
    yield _age_finding(
        patient,
        "outbox",
        "events_outbox",
        rows,
        OUTBOX_WARN,
        OUTBOX_FAIL,
        ("1 change waits for its consequences", "changes wait for their consequences"),
    )


@check(needs_database=True)
def unsent(patient: Patient) -> Iterator[Finding]:
    """Connections that may show something else than we want."""
    rows = _rows_if_there(
        patient, "distribution_dirty", "SELECT count(DISTINCT connection_id), min(since) FROM distribution_dirty"
    )
    yield _age_finding(
        patient,
        "channels",
        "distribution_dirty",
        rows,
        UNSENT_WARN,
        UNSENT_FAIL,
        ("1 connection has an unsent difference", "connections have an unsent difference"),
    )


def _age_finding(
    patient: Patient,
    name: str,
    table: str,
    rows: list[tuple[Any, ...]] | None,
    warn_after: timedelta,
    fail_after: timedelta,
    words: tuple[str, str],
) -> Finding:
    if rows is None:
        return _not_there(name, table)
    ((count, oldest),) = rows
    if not count or oldest is None:
        return ok(name, "nothing waits")
    age = max(patient.now - oldest, timedelta(0))  # it may have begun after we looked at the clock
    detail = f"{words[0] if count == 1 else f'{count} {words[1]}'}, the oldest for {age.total_seconds():.0f} s"
    if patient.at_rest:
        return warn(name, detail, "`innsync up` goes on with it.") if age > warn_after else ok(name, detail)
    remedy = "See that workers are alive and look at their logs; `innsync reconcile` sends what is due."
    if age > fail_after:
        return fail(name, detail, remedy)
    return warn(name, detail, remedy) if age > warn_after else ok(name, detail)


def _not_there(name: str, table: str) -> Finding:
    return warn(name, f"the table {table} is not there yet", "Run `innsync manage migrate`.")


def _rows_if_there(patient: Patient, table: str, query: LiteralString) -> list[tuple[Any, ...]] | None:
    assert patient.database is not None
    if _one(patient, "SELECT to_regclass(%s)::text", table) is None:
        return None
    return patient.database.execute(query).fetchall()


def _one(patient: Patient, query: LiteralString, *parameters: str) -> Any:
    assert patient.database is not None
    row = patient.database.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


def reach(url: str) -> psycopg.Connection:
    """A session for looking only."""
    connection = psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="innsync doctor")
    connection.read_only = True
    return connection
