"""Two years of past bookings for the property that is measured: a real hotel's where its file is there, else made up alike."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from innsync.ops.replay.house import BASE_PLAN, party_of, plan_of
from innsync.ops.replay.rows import read_rows

MADE_UP = 40_000
"""As many as the real hotel had."""
DAYS = 730
_FILE = "data/resort_hotel_bookings.csv.xz"
_FOLDER = "INNSYNC_VENDOR_DATA"


@dataclass(frozen=True, slots=True)
class Past:
    """A booking that is over. room_type, plan: numbers from 0, to be taken modulo what the property has. room: the first
    of its type that was free, from 0; None of a cancelled one."""

    booked: date
    check_in: date
    nights: int
    adults: int
    children: int
    room_type: int
    plan: int
    status: str
    rate_minor: int
    room: int | None = None


def find_file() -> Path | None:
    """The real hotel's bookings: below the folder that INNSYNC_VENDOR_DATA names, else beside the checkout."""
    folder = Path(os.environ.get(_FOLDER) or Path(__file__).parents[5] / "shared")
    return folder / _FILE if (folder / _FILE).is_file() else None


def past_bookings(*, until: date) -> list[Past]:
    """By arrival; the last of them leaves on `until`."""
    file = find_file()
    found = _of_file(file, until) if file else _made_up(until)
    return list(_given_rooms(sorted(found, key=lambda one: one.check_in)))


def _given_rooms(bookings: Iterable[Past]) -> Iterator[Past]:
    free_from: dict[int, list[date]] = {}
    for one in bookings:
        if one.status == "cancelled":
            yield one
            continue
        rooms = free_from.setdefault(one.room_type, [])
        room = next((number for number, day in enumerate(rooms) if day <= one.check_in), len(rooms))
        rooms[room : room + 1] = [one.check_in + timedelta(days=one.nights)]
        yield replace(one, room=room)


def _of_file(file: Path, until: date) -> Iterator[Past]:
    rows = [row for row in read_rows(file) if row.nights]
    shift = until - max(row.arrival + timedelta(days=row.nights) for row in rows)
    room_types = sorted({row.room_type for row in rows})
    plans = [BASE_PLAN, *sorted({plan_of(row) for row in rows} - {BASE_PLAN})]
    for row in rows:
        adults, ages = party_of(row)
        yield Past(
            row.booked + shift,
            row.arrival + shift,
            row.nights,
            adults,
            len(ages),
            room_types.index(row.room_type),
            plans.index(plan_of(row)),
            "cancelled" if row.cancelled else "no_show" if row.no_show else "checked_out",
            max(0, int(row.rate * 100)),
        )


def _made_up(until: date) -> Iterator[Past]:
    chance = random.Random(1)  # noqa: S311  # the same each time
    for _ in range(MADE_UP):
        nights = chance.randint(1, 7)
        check_in = until - timedelta(days=nights + chance.randrange(DAYS))
        yield Past(
            check_in - timedelta(days=chance.randrange(120)),
            check_in,
            nights,
            chance.randint(1, 2),
            0,
            chance.randrange(10),
            chance.randrange(4),
            "cancelled" if chance.random() < 0.28 else "checked_out",
            chance.randrange(4_000, 20_000),
        )


_TABLE = """
CREATE TEMPORARY TABLE past (number serial, booked date, check_in date, nights int, adults int, children int,
 room_type int, plan int, status text, rate_minor int, room int, span int) ON COMMIT DROP
"""
_COPY = "COPY past (booked, check_in, nights, adults, children, room_type, plan, status, rate_minor, room) FROM STDIN"
# Each further copy lies as long before the one before it as all of it lasted: the hotel is that much older.
_AGES = "UPDATE past SET span = (SELECT max(check_in + nights) - min(check_in) FROM past)"
_ROOMS = """
INSERT INTO properties_room (id, organization_id, property_id, room_type_id, name, position)
 SELECT gen_random_uuid(), %(organization)s, %(property)s, t.id, 'P-' || p.room_type || '-' || p.room, 1000 + p.room
 FROM (SELECT DISTINCT room_type, room FROM past WHERE room IS NOT NULL) p
 JOIN (SELECT id, row_number() OVER (ORDER BY position, code) - 1 AS n, count(*) OVER () AS of
  FROM properties_roomtype WHERE property_id = %(property)s) t ON t.n = p.room_type %% t.of
"""
# Keys that sort by time, as ours do: milliseconds, version 7, then which copy of which booking, and the kind of row.
_KEYED = """
CREATE TEMPORARY TABLE keyed ON COMMIT DROP AS
 SELECT *, (moment || '7001' || mark)::uuid AS guest_id, (moment || '7002' || mark)::uuid AS booking_id,
 (moment || '7003' || mark)::uuid AS stay_id, (moment || '7004' || mark)::uuid AS revision_id,
 (moment || '7005' || mark)::uuid AS event_id, lower(name) || '@guest.example' AS email FROM (
 SELECT p.number, p.check_in, p.nights, p.adults, p.children, p.status, p.rate_minor, 'P' || copy || '-' || number AS name, booked + time '12:00' AT TIME ZONE 'UTC' AS at,
 lpad(to_hex((extract(epoch FROM booked) * 1000)::bigint + number), 12, '0') AS moment,
 '8' || substr(md5(copy || ' ' || number), 1, 15) AS mark, t.id AS room_type_id, r.id AS rate_plan_id,
 o.id AS room_id
 FROM (SELECT number, copy, booked - (copy - 1) * span AS booked, check_in - (copy - 1) * span AS check_in, nights, adults,
   children, room_type, plan, status, rate_minor, room FROM past CROSS JOIN generate_series(1, %(copies)s) copy) p
 JOIN (SELECT id, row_number() OVER (ORDER BY position, code) - 1 AS n, count(*) OVER () AS of
  FROM properties_roomtype WHERE property_id = %(property)s) t ON t.n = p.room_type %% t.of
 JOIN (SELECT id, row_number() OVER (ORDER BY position, code) - 1 AS n, count(*) OVER () AS of
  FROM rates_rateplan WHERE property_id = %(property)s) r ON r.n = p.plan %% r.of
 LEFT JOIN properties_room o ON o.property_id = %(property)s AND o.name = 'P-' || p.room_type || '-' || p.room) made
"""
_STATEMENTS = (
    """INSERT INTO guests_guest (id, organization_id, name, email, phone, country, language, created_at)
 SELECT guest_id, %(organization)s, name, email, '', '', '', at FROM keyed""",
    """INSERT INTO reservations_booking (id, organization_id, property_id, code, status, channel, source, channel_ref,
 former_refs, channel_order, details_order, external_id, check_in, check_out, guest_id, guest_name, guest_email, guest_phone,
 currency, total_minor, charges, terms, payment, special_requests, cancelled_at, found_by, created_at, updated_at, version)
 SELECT booking_id, %(organization)s, %(property)s, name, status, 'direct', '', '', '{}', '', '', '', check_in,
 check_in + nights, guest_id, name, email, '', 'EUR', rate_minor * nights, '[]', '{}', '{}', '',
 CASE status WHEN 'cancelled' THEN at END, '', at, at, 1 FROM keyed""",
    """INSERT INTO reservations_roomstay (id, organization_id, property_id, booking_id, position, channel_ref, room_type_id,
 rate_plan_id, room_id, check_in, check_out, adults, child_ages, guest_name, nightly_minor, total_minor, holds_stock)
 SELECT stay_id, %(organization)s, %(property)s, booking_id, 0, '', room_type_id, rate_plan_id, room_id, check_in,
 check_in + nights, adults, array_fill(8::smallint, ARRAY[children]), name, array_fill(rate_minor::bigint, ARRAY[nights]),
 rate_minor * nights, status <> 'cancelled' FROM keyed""",
    """INSERT INTO reservations_revision (id, organization_id, booking_id, number, at, actor, action, snapshot, changes)
 SELECT revision_id, %(organization)s, booking_id, 1, at, 'bench', 'booked', jsonb_build_object('status', status,
 'check_in', check_in, 'check_out', check_in + nights, 'total_minor', rate_minor * nights, 'guest',
 jsonb_build_object('name', name)), '[]' FROM keyed""",
    """INSERT INTO events_event (id, organization_id, property_id, type, occurred_at, data)
 SELECT event_id, %(organization)s, %(property)s, 'booking.created', at, jsonb_build_object('booking', name) FROM keyed""",
    """INSERT INTO events_streamentry (organization_id, event_id)
 SELECT %(organization)s, event_id FROM keyed ORDER BY event_id""",
)


def write(
    connection: psycopg.Connection[Any], *, organization_id: UUID, property_id: UUID, until: date, copies: int
) -> int:
    """In one transaction of the owner's, which names the organization. Answers how many bookings the property now has."""
    named = {"organization": organization_id, "property": property_id, "copies": copies}
    connection.execute(_TABLE)
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for one in past_bookings(until=until):
            copy.write_row(
                (
                    one.booked,
                    one.check_in,
                    one.nights,
                    one.adults,
                    one.children,
                    one.room_type,
                    one.plan,
                    one.status,
                    one.rate_minor,
                    one.room,
                )
            )
    connection.execute(_AGES)
    connection.execute(_ROOMS, named)
    written = connection.execute(_KEYED, named).rowcount
    for statement in _STATEMENTS:
        connection.execute(statement, named)
    return written
