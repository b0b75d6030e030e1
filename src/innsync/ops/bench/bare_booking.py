"""The limit of booking: what it locks, changes and writes, sent at once, by pgbench."""

from __future__ import annotations

import json
import os
from uuid import UUID

import psycopg

from innsync.ops.bench import bare
from innsync.ops.bench.bodies import LONGEST, SHORTEST
from innsync.ops.bench.scene import NIGHTS, Stage

LIMIT_IS = (
    "lock, nights, guest, booking, stay with its nightly prices, revision, event and outbox in one statement behind"
)
LIMIT_IS += " the lock, sent with the commit, by pgbench"

# The same tables, constraints and row-level security; nothing is asked, priced or answered.
_SCRIPT = """
\\set day random(1, {days})
\\set nights random({shortest}, {longest})
\\set type random(1, {types})
\\startpipeline
BEGIN;
SELECT pg_advisory_xact_lock(:type::int);
WITH asked AS (
  SELECT (ARRAY[{type_ids}]::uuid[])[:type::int] AS room_type_id, date '{first}' + :day::int AS first,
    date '{first}' + :day::int + :nights::int AS last
), changed AS (
  UPDATE inventory_stockday s SET sold = s.sold + 1 FROM asked a
  WHERE s.property_id = '{property}' AND s.room_type_id = a.room_type_id AND s.day >= a.first AND s.day < a.last
    AND s.rooms - s.out_of_order - s.sold - s.held - s.withheld >= 1
), guest AS (
  INSERT INTO guests_guest (id, organization_id, name, email, phone, country, language, created_at)
  VALUES ({new_id}, '{organization}', 'Ada Example', gen_random_uuid() || '@example.org', '', 'PT', 'pt', now())
  RETURNING id
), booked AS (
  INSERT INTO reservations_booking (id, organization_id, property_id, code, status, channel, source, channel_ref,
    former_refs, channel_order, details_order, external_id, check_in, check_out, guest_id, guest_name, guest_email,
    guest_phone, currency, total_minor, charges, terms, payment, special_requests, notes, found_by, created_at,
    updated_at, version)
  SELECT {new_id}, '{organization}', '{property}', upper(left(md5(random()::text), 12)), 'confirmed', 'direct', '', '',
    '{{}}', '', '', '', a.first, a.last, g.id, 'Ada Example', 'ada@example.org', '', 'EUR', 70000, '[]', '{terms}', '{{}}',
    '', '', '', now(), now(), 1 FROM asked a, guest g
  RETURNING id
), stay AS (
  INSERT INTO reservations_roomstay (id, organization_id, property_id, booking_id, position, channel_ref, room_type_id,
    rate_plan_id, check_in, check_out, adults, child_ages, guest_name, nightly_minor, total_minor, holds_stock, terms)
  SELECT {new_id}, '{organization}', '{property}', b.id, 0, '', a.room_type_id, '{plan}', a.first, a.last, 2, '{{}}',
    'Ada Example', array_fill(10000::bigint, ARRAY[a.last - a.first]), 70000, true, '{terms}' FROM asked a, booked b
), revision AS (
  INSERT INTO reservations_revision (id, organization_id, booking_id, number, at, actor, action, snapshot, changes)
  SELECT {new_id}, '{organization}', b.id, 1, now(), 'bench', 'booked', '{snapshot}', '[]' FROM booked b
), event AS (
  INSERT INTO events_event (id, organization_id, property_id, type, occurred_at, data)
  VALUES ({new_id}, '{organization}', '{property}', 'booking.created', now(), '{event}') RETURNING id
), fresh AS (
  INSERT INTO events_freshevent (event_id, organization_id) SELECT id, '{organization}' FROM event
)
INSERT INTO events_outbox (organization_id, property_id, topic, payload, created_at, due_at)
VALUES ('{organization}', '{property}', 'ari_changed', '{outbox}', clock_timestamp(), clock_timestamp());
COMMIT;
\\endpipeline
"""
_TERMS: dict[str, dict[str, list[object]]] = {"cancellation_policy": {"tiers": []}, "payment_policy": {"steps": []}}


def rate(stage: Stage, *, clients: int) -> float:
    """Bookings a second."""
    some = str(UUID(int=0))
    room = {
        "id": some,
        "room_type_id": some,
        "rate_plan_id": some,
        "check_in": "2026-12-01",
        "check_out": "2026-12-08",
        "adults": 2,
        "child_ages": [],
        "guest_name": "Ada Example",
        "nightly_minor": [10_000] * NIGHTS,
        "total_minor": 70_000,
        "sold_room_type_id": None,
    }
    guest = {"name": "Ada Example", "email": "ada@example.org", "phone": ""}
    snapshot = {
        "status": "confirmed",
        "channel": "direct",
        "channel_ref": "",
        "check_in": "2026-12-01",
        "check_out": "2026-12-08",
        "guest": guest,
        "currency": "EUR",
        "total_minor": 70_000,
        "charges": [],
        "special_requests": "",
        "notes": None,
        "cancellation_fee_minor": None,
        "rooms": [room],
    }
    outbox = {"spans": [[some, "2026-12-01", "2026-12-07"]], "what": "stock", "cause": "booking ABCDEFGH"}
    # JSON with blanks: to pgbench, a word right behind a colon is a variable.
    script = _SCRIPT.format(
        new_id=_new_id(),
        days=stage.size.days - NIGHTS,
        shortest=SHORTEST,
        longest=LONGEST,
        types=len(stage.built.room_types),
        type_ids=", ".join(f"'{one.id}'" for one in stage.built.room_types.values()),
        plan=next(iter(stage.built.rate_plans.values())).id,
        property=stage.property_id,
        organization=stage.organization_id,
        first=stage.first,
        terms=json.dumps(_TERMS),
        snapshot=json.dumps(snapshot),
        event=json.dumps({"booking_id": some, "code": "ABCDEFGH", "channel": "direct"}),
        outbox=json.dumps(outbox),
    )
    return bare.transactions_per_second(
        script, organization_id=stage.organization_id, clients=clients, seconds=stage.size.seconds
    )


def _new_id() -> str:
    """Keys that sort by time, as ours, where the server can make them (from PostgreSQL 18)."""
    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=10) as connection:
        return "uuidv7()" if connection.info.server_version >= 180_000 else "gen_random_uuid()"
