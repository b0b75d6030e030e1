"""Receiving what channels sold, and telling a channel a whole property."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from innsync.integrations.ports import RawMessage
from innsync.ops.bench import bare
from innsync.ops.bench.result import Result, at_most, quantile
from innsync.ops.bench.scene import NIGHTS, Size, Stage
from innsync.ops.bench.world import World, connected

INBOX_VENDOR = "channex"
BATCH = 100
SINGLES = 40

_BARE_INBOX = """
\\set day random(0, {days})
BEGIN;
INSERT INTO inbox_message (id, organization_id, account_id, vendor, message_id, property_ref, booking_ref, content_type,
 body, acknowledge, confirmation, received_at, deliveries, acknowledge_words, state, reason, found_by,
 listed_unacknowledged)
 VALUES (gen_random_uuid(), '{organization}', '{account}', '{vendor}', gen_random_uuid()::text, '', '', 'bare',
 convert_to(repeat('x', {size}), 'UTF8'), '{{}}', '', now(), 1, '', 'applied', '', '', false);
SELECT pg_advisory_xact_lock(1);
UPDATE inventory_stockday SET sold = sold + 1 WHERE property_id = '{property}' AND room_type_id = '{room_type}'
 AND day BETWEEN date '{first}' + :day::int AND date '{first}' + :day::int + {nights} - 1;
INSERT INTO events_event (id, organization_id, property_id, type, occurred_at, data)
 VALUES (gen_random_uuid(), '{organization}', '{property}', 'booking.created', now(), '{{"booking": 1}}');
COMMIT;
"""


def applying(stage: Stage) -> Result:
    """Messages of a channel kept for good and then applied as bookings, in batches as they are pulled."""
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.models import Account
    from innsync.apps.inbox import services

    size, organization_id = stage.size, stage.organization_id
    with connected(stage, vendors=[INBOX_VENDOR]) as world:
        messages = _messages(world, size.messages + SINGLES)
        with tenant(organization_id):
            account = Account.objects.get(id=world.accounts[INBOX_VENDOR])

        def take(batch: Sequence[RawMessage]) -> float:
            started = time.perf_counter()
            services.receive(organization_id=organization_id, account=account, messages=batch, now=datetime.now(UTC))
            services.apply_pending(organization_id=organization_id, account_id=account.id)
            return time.perf_counter() - started

        latencies = [take([message]) * 1000 for message in messages[:SINGLES]]
        many = messages[SINGLES:]
        took = sum(take(many[at : at + BATCH]) for at in range(0, len(many), BATCH))
        limit = _bare_inbox(world, size, len(messages[0].body))
    return Result(
        "applying",
        "messages/s",
        len(many) / took,
        limit,
        quantile(latencies, 0.5),
        quantile(latencies, 0.99),
        {
            "vendor": INBOX_VENDOR,
            "messages": len(many),
            "batch": BATCH,
            "message_bytes": len(messages[0].body),
            "nights": NIGHTS,
            "latency_is": "of one message alone, kept and applied",
            "limit_is": "one message row, lock, seven nights, one event, commit, by pgbench with one client",
        },
    )


def _messages(world: World, count: int) -> list[RawMessage]:
    """The vendor's own messages of so many guests' bookings."""
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.access import open_session
    from innsync.apps.distribution.models import Account

    stage = world.stage
    for number in range(count):
        check_in = stage.first + timedelta(days=1 + number % (stage.size.days - NIGHTS - 1))
        world.sandbox.call(
            "POST",
            f"{INBOX_VENDOR}/bookings",
            {
                "property": stage.built.property.code,
                "room": f"type-{1 + number % stage.size.room_types}",
                "rate": "plan-1",
                "check_in": check_in.isoformat(),
                "check_out": (check_in + timedelta(days=NIGHTS)).isoformat(),
                "guest": {"name": f"Guest {number}", "email": f"guest-{number}@example.org"},
                "force": True,
            },
        )
    with tenant(stage.organization_id):
        account = Account.objects.get(id=world.accounts[INBOX_VENDOR])
    account.settings = {**account.settings, "feed_pages": 1 + count // 100}
    adapter, session = open_session(account)
    messages = list(adapter.implementation.pull_bookings(session).messages)
    if len(messages) < count:
        raise RuntimeError(f"the channel gave {len(messages)} of {count} messages")
    return messages


def _bare_inbox(world: World, size: Size, message_bytes: int) -> float:
    stage = world.stage
    return bare.transactions_per_second(
        _BARE_INBOX.format(
            organization=stage.organization_id,
            account=world.accounts[INBOX_VENDOR],
            vendor=INBOX_VENDOR,
            property=stage.property_id,
            room_type=stage.built.room_types["type-1"].id,
            first=stage.first,
            days=size.days - NIGHTS,
            nights=NIGHTS,
            size=message_bytes,
        ),
        organization_id=stage.organization_id,
        clients=1,
        seconds=size.seconds,
    )


def full_load(stage: Stage) -> Result:
    """A whole property told to a channel that knows nothing of it: all cells of all its rooms and rates."""
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.access import open_session
    from innsync.apps.distribution.reconcile import reconcile
    from innsync.apps.distribution.selectors import load_linked

    size, organization_id = stage.size, stage.organization_id
    took: dict[str, float] = {}
    bare_took: dict[str, float] = {}
    cells: dict[str, int] = {}
    messages: dict[str, int] = {}
    with connected(stage) as world:
        for vendor, connection_id in world.connections.items():
            plan = reconcile(organization_id=organization_id, connection_id=connection_id, full=True, dry_run=True).plan
            with tenant(organization_id):
                linked = load_linked(connection_id=connection_id)
            adapter, session = open_session(linked.account)
            started = time.perf_counter()
            for push in plan:
                adapter.implementation.send_push(session, linked.ref, push)
            bare_took[vendor] = time.perf_counter() - started
            started = time.perf_counter()
            outcome = reconcile(organization_id=organization_id, connection_id=connection_id, full=True)
            took[vendor] = time.perf_counter() - started
            if outcome.why or outcome.refused or not outcome.pushed:
                raise RuntimeError(f"{vendor} was not loaded: {outcome.refused} cells refused, {outcome.why}")
            cells[vendor], messages[vendor] = outcome.cells, outcome.pushed
    own = {vendor: value - bare_took[vendor] for vendor, value in took.items()}
    return Result(
        "full-load",
        "cells/s",
        sum(cells.values()) / sum(took.values()),
        sum(cells.values()) / sum(bare_took.values()),
        quantile([value * 1000 for value in took.values()], 0.5),
        max(took.values()) * 1000,
        {
            "cells": cells,
            "messages": messages,
            "seconds": {vendor: round(value, 2) for vendor, value in took.items()},
            "own_seconds": {vendor: round(value, 2) for vendor, value in own.items()},
            "room_types": size.room_types,
            "plans": size.plans,
            "days": size.days,
            "latency_is": "of one whole load",
            "limit_is": "the same messages sent to the same channels, made beforehand and not recorded",
        },
        targets=[at_most("own time, beside what the channel takes", 1, max(own.values()), "s")],
    )
