"""What looking for work costs where nothing changes: the safety nets of ten thousand connections."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from uuid import UUID

import psycopg

from innsync.ops.bench.costs import cpu_seconds
from innsync.ops.bench.result import Result, at_most
from innsync.ops.bench.scene import Stage
from innsync.ops.bench.world import World, connected, running_workers

VENDOR = "channex"
SETTLE_S = 3.0
# Each connection's two nets that compare, each at another moment of its pace, all found in step a moment ago.
_NETS = """
INSERT INTO distribution_schedule (organization_id, subject_id, kind, every_s, due_at, property_id, in_step, compared_at)
SELECT %(organization)s, md5(n::text)::uuid, kind, every_s, clock_timestamp() + make_interval(secs => random() * every_s),
  properties[1 + n %% cardinality(properties)], pg_current_snapshot()::text, clock_timestamp()
FROM generate_series(1, %(count)s) n, unnest(%(kinds)s::text[], %(every)s::float8[]) AS k(kind, every_s),
  (SELECT array_agg(id) AS properties FROM properties_property) p
"""


def idle(stage: Stage) -> Result:
    """The share of a processor that workers and database take for connections of which nobody wants anything."""
    from innsync.apps.distribution import schedules, tasks

    size, count = stage.size, stage.size.idle_connections
    nets = [net for net in schedules.NETS.values() if net.compares_every]
    with connected(stage, vendors=[VENDOR]) as world:
        _be_in_step(world)
        works = {"inventory": tasks.roll_connection, "rates": tasks.recheck_rates}
        took = {net.kind: _takes_s(world, works[net.kind]) for net in nets}
    _keep_only_nets(stage, 0)
    nobody = _busy_percent(size.seconds)
    _keep_only_nets(stage, count)
    everybody = _busy_percent(size.seconds)
    looking = max(0.0, everybody - nobody)
    comparing = sum(
        100 * count * took[net.kind] / net.compares_every.total_seconds() for net in nets if net.compares_every
    )
    naive = sum(100 * count * took[net.kind] / net.every_s for net in nets)
    return Result(
        "idle",
        "% of a processor",
        everybody,
        nobody,
        min(took["inventory"], took["rates"]) * 1000,
        max(took["inventory"], took["rates"]) * 1000,
        {
            "connections": count,
            "more_than_without_percent": round(looking, 2),
            "comparing_percent": round(comparing, 2),
            "comparing_each_time_would_be_percent": round(naive, 1),
            "seconds": size.seconds,
            "latency_is": "of comparing one connection's rooms left, and its prices and rules",
            "limit_is": "the same processes without any connection",
        },
        less_is_better=True,
        targets=[at_most("looking for what differs, where nothing does", 1, looking, "% of a processor")],
    )


def _be_in_step(world: World) -> None:
    from innsync.apps.distribution.reconcile import reconcile

    for connection_id in world.connections.values():
        outcome = reconcile(organization_id=world.stage.organization_id, connection_id=connection_id, full=True)
        if outcome.why:
            raise RuntimeError(f"the channel was not loaded: {outcome.why}")


def _takes_s(world: World, work: Callable[[UUID, UUID], None]) -> float:
    """One net's comparing, the second time, when all is in step."""
    work(world.stage.organization_id, world.connections[VENDOR])
    started = time.perf_counter()
    work(world.stage.organization_id, world.connections[VENDOR])
    return time.perf_counter() - started


def _keep_only_nets(stage: Stage, count: int) -> None:
    from innsync.apps.distribution import schedules

    nets = [net for net in schedules.NETS.values() if net.compares_every]
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], connect_timeout=10) as owner:
        owner.execute("SELECT set_config('innsync.organization', %s, false)", [str(stage.organization_id)])
        for table in ("procrastinate_jobs", "distribution_dirty", "events_outbox", "distribution_schedule"):
            owner.execute(f"DELETE FROM {table}")  # noqa: S608  # names of ours
        owner.execute(
            _NETS,
            {
                "organization": stage.organization_id,
                "count": count,
                "kinds": [net.kind for net in nets],
                "every": [net.every_s for net in nets],
            },
        )
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True, connect_timeout=10) as owner:
        owner.execute("VACUUM (ANALYZE) distribution_schedule")


def _busy_percent(seconds: float) -> float:
    """Of one processor, of workers that have nothing to do."""
    with running_workers():
        time.sleep(SETTLE_S)
        before = cpu_seconds()
        time.sleep(seconds)
        return 100 * (cpu_seconds() - before) / seconds
