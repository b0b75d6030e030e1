"""What follows a change: from the outbox to jobs, from the stream to those who follow it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from innsync.ops.bench.people import signed_in
from innsync.ops.bench.result import Result, at_least, at_most, quantile
from innsync.ops.bench.scene import Stage
from innsync.ops.bench.sockets_load import Followers, Heard, open_files_for
from innsync.ops.bench.world import World, connected, free_url, running_hub

PROPERTIES = 10
SOCKETS_OF_A_PERSON = 20
PER_SECOND = 5.0
# The best of so many: what else the machine does is no cost of what is planned.
ROUNDS = 3
FAR = timedelta(days=30)


def events(stage: Stage) -> Result:
    """Changes handed on from the outbox, and events followed by many at once, over storms of those who come back."""
    hub_url, size = free_url(), stage.size
    with connected(stage, properties=PROPERTIES, vendors=["channex", "expedia"]) as world:
        _hand_on(world, size.entries // 4)  # the first of everything takes longer
        took = min(_hand_on(world, size.entries) for _ in range(ROUNDS))
        _plan_tasks(world, size.planned)
        took_among_planned = min(_hand_on(world, size.entries) for _ in range(ROUNDS))
        placed = _place(world, size.entries)
        limit = _bare_hand_on(world, size.entries)
        _forget(world)
        with running_hub(hub_url):
            heard = _be_followed(stage, hub_url)
    rate, among = size.entries / took, size.entries / took_among_planned
    waits = heard.waits_ms
    p50, p99 = quantile(waits, 0.5), quantile(waits, 0.99)
    return Result(
        "events",
        "changes/s",
        rate,
        limit,
        p50,
        p99,
        {
            "changes": size.entries,
            "connections": sum(len(home.connections) for home in world.homes),
            "planned": size.planned,
            "changes_per_second_among_planned": round(among, 1),
            "events_placed_per_second": round(placed, 1),
            "sockets": heard.followers,
            "events_per_second": PER_SECOND,
            "messages": len(waits) + len(heard.after_ms),
            "while all come back": {
                "p50_ms": round(quantile(heard.after_ms, 0.5), 1),
                "p99_ms": round(quantile(heard.after_ms, 0.99), 1),
            },
            "came_back": heard.came_back,
            "lost": heard.lost,
            "twice": heard.twice,
            "latency_is": "from the commit of an event to each of all sockets, until they are cut off",
            "limit_is": "as many rows taken in batches and written into one other table, nothing made of them",
        },
        targets=[
            at_least("changes to jobs", 5_000, rate, "a second"),
            at_least("events to the stream", 5_000, placed, "a second"),
            at_most("cost of what is planned", 5, max(0.0, (1 - among / rate) * 100), "%"),
            at_most("sockets p99", 35, p99, "ms"),
            at_most("messages lost or twice", 0, heard.lost + heard.twice),
        ],
    )


def _hand_on(world: World, count: int) -> float:
    """Seconds until nothing that is due is left."""
    from innsync.apps.distribution import handlers  # noqa: F401  # registers what the relay calls
    from innsync.apps.events import relay

    _fill_outbox(world, count)
    started = time.perf_counter()
    while relay.relay_once():
        pass
    return time.perf_counter() - started


def _fill_outbox(world: World, count: int) -> None:
    """Bookings' changes of stock, a night each, of all properties in turn."""
    first = world.stage.first + timedelta(days=30)
    now, copied = datetime.now(UTC), "(organization_id, property_id, topic, payload, created_at, due_at)"
    with (
        _owner(world.stage) as owner,
        owner.cursor() as cursor,
        cursor.copy(f"COPY events_outbox {copied} FROM STDIN") as copy,
    ):
        for number in range(count):
            built = world.homes[number % len(world.homes)].built
            room_types = list(built.room_types.values())
            night = str(first + timedelta(days=number % 50))
            spans = [[str(room_types[number % len(room_types)].id), night, night]]
            payload = Jsonb({"spans": spans, "what": "stock", "cause": "benchmark"})
            copy.write_row((world.stage.organization_id, built.property.id, "ari_changed", payload, now, now))


def _plan_tasks(world: World, count: int) -> None:
    """What is due long after, half of it changes' consequences, half of it jobs."""
    stage = world.stage
    with _owner(stage) as owner:
        owner.execute(
            "INSERT INTO events_outbox (organization_id, property_id, topic, payload, created_at, due_at)"
            " SELECT %s, %s, 'assign_rooms', '{}', now(), now() + %s + n * interval '1 second'"
            " FROM generate_series(1, %s) n",
            (stage.organization_id, stage.property_id, FAR, count // 2),
        )
        owner.execute(
            "INSERT INTO events_laterjob (task, arguments, due_at)"
            " SELECT 'assign_rooms', '{}', now() + %s + n * interval '1 second' FROM generate_series(1, %s) n",
            (FAR, count - count // 2),
        )


def _place(world: World, count: int) -> float:
    """How many events a second get their places in the stream."""
    from innsync.apps.events import stream

    stage = world.stage
    with _owner(stage) as owner:
        owner.execute(
            "WITH written AS (INSERT INTO events_event (id, organization_id, property_id, type, occurred_at, data)"
            " SELECT gen_random_uuid(), %s, %s, 'booking.created', now(), jsonb_build_object('booking', n)"
            " FROM generate_series(1, %s) n RETURNING id, organization_id)"
            " INSERT INTO events_freshevent (event_id, organization_id) SELECT id, organization_id FROM written",
            (stage.organization_id, stage.property_id, count),
        )
    before, started = stream.last_position(), time.perf_counter()
    while stream.last_position() < before + count:
        stream.place(datetime.now(UTC))
    return count / (time.perf_counter() - started)


def _bare_hand_on(world: World, count: int) -> float:
    """Rows a second."""
    from innsync.apps.events.relay import BATCH

    with _owner(world.stage) as owner:
        owner.execute("DELETE FROM events_outbox WHERE due_at > now()")
        owner.execute("CREATE TABLE bare_handed_on (id bigint, organization_id uuid, property_id uuid, payload jsonb)")
    _fill_outbox(world, count)
    started, moved = time.perf_counter(), 0
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as connection:
        while moved < count:
            done = connection.execute(
                "WITH gone AS (DELETE FROM events_outbox WHERE id IN (SELECT id FROM events_outbox ORDER BY due_at, id"
                " LIMIT %s) RETURNING id, organization_id, property_id, payload)"
                " INSERT INTO bare_handed_on SELECT * FROM gone",
                (BATCH,),
            )
            connection.commit()
            moved += done.rowcount
    return count / (time.perf_counter() - started)


def _forget(world: World) -> None:
    """Nothing is told to channels: here it is about followers."""
    with _owner(world.stage) as owner:
        owner.execute("UPDATE distribution_connection SET state = 'paused'")
        for table in ("procrastinate_jobs", "distribution_dirty", "events_outbox", "distribution_schedule"):
            owner.execute(f"DELETE FROM {table}")  # noqa: S608  # names of ours


def _be_followed(stage: Stage, hub_url: str) -> Heard:
    """Events at a steady pace to all sockets, which are cut off and come back in the middle of it."""
    sockets, count = stage.size.sockets, max(6, round(PER_SECOND * stage.size.seconds))
    open_files_for(sockets)
    followers = Followers(hub_url, [signed_in(stage) for _ in range(-(-sockets // SOCKETS_OF_A_PERSON))], sockets)
    try:
        began = time.perf_counter()
        for number in range(count):
            time.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
            if number == count // 2:
                followers.storm()
            _happen(stage, number)
        return followers.end(count)
    finally:
        followers.stop()


def _happen(stage: Stage, number: int) -> None:
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.events import services

    with tenant(stage.organization_id):
        services.record(
            organization_id=stage.organization_id,
            property_id=stage.property_id,
            type="booking.created",
            at=datetime.now(UTC),
            data={"number": number, "at": time.time()},
        )


def _owner(stage: Stage) -> psycopg.Connection[Any]:
    """A transaction of the owner's, among the organization's rows."""
    connection = psycopg.connect(os.environ["DATABASE_ADMIN_URL"], connect_timeout=10)
    connection.execute("SELECT set_config('innsync.organization', %s, false)", [str(stage.organization_id)])
    return connection
