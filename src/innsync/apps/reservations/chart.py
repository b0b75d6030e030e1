"""What the chart of rooms by dates shows, read in sets: never a query a room, a stay or a night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.inventory.counts import left_of

ADAY = timedelta(days=1)


class ChartRoom(NamedTuple):
    """A room that is let on the window's first day or later. retired_from: let no more from then on."""

    id: UUID
    name: str
    retired_from: date | None


@dataclass(frozen=True, slots=True)
class ChartType:
    """A room type and its rooms, in the order of the house."""

    id: UUID
    code: str
    name: str
    rooms: tuple[ChartRoom, ...]


class Bar(NamedTuple):
    """A stay as far as the chart tells of it. source: the site behind the channel.

    room_id, first, last: the part of the stay that the bar shows, `part` being 1 or 2 where the guest changes rooms on
    `moves_on` and `other` the name of the other room; 0 for the whole stay, `other` being the second room then.
    """

    property_id: UUID
    stay_id: UUID
    booking_id: UUID
    code: str
    guest: str
    channel: str
    source: str
    status: str
    room_type_id: UUID
    room_id: UUID | None
    check_in: date
    check_out: date
    pinned: bool
    moves_on: date | None
    other: str
    part: int
    first: date
    last: date


class Block(NamedTuple):
    """Nights, both ends included, on which a room is out of order; without room_id, one of its type."""

    id: UUID
    room_type_id: UUID
    room_id: UUID | None
    first: date
    last: date
    reason: str


class NightLeft(NamedTuple):
    """How many rooms of a type can still be sold on a night, below zero never; by how many it is oversold.

    withheld: rooms that are there and not offered.
    """

    room_type_id: UUID
    day: date
    left: int
    oversold: int
    withheld: int


def list_chart_types(*, property_id: UUID, first: date) -> list[ChartType]:
    """The room types with the rooms that are let on `first` or later."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT t.id, t.code, t.name, r.id, r.name, r.retired_from FROM properties_roomtype t"
            " LEFT JOIN properties_room r ON r.room_type_id = t.id AND (r.retired_from IS NULL OR r.retired_from > %s)"
            " WHERE t.property_id = %s AND (t.retired_at IS NULL OR r.id IS NOT NULL) ORDER BY t.position, t.code, r.position, r.name",
            (first, property_id),
        ).fetchall()
    types: dict[UUID, tuple[str, str, list[ChartRoom]]] = {}
    for type_id, code, name, room_id, room_name, retired_from in rows:
        rooms = types.setdefault(type_id, (code, name, []))[2]
        if room_id is not None:
            rooms.append(ChartRoom(room_id, room_name, retired_from))
    return [ChartType(type_id, code, name, tuple(rooms)) for type_id, (code, name, rooms) in types.items()]


_COLUMNS = """
SELECT s.property_id, s.id, s.booking_id, b.code, coalesce(nullif(s.guest_name, ''), b.guest_name), b.channel, b.source,
  b.status, s.room_type_id,"""
_BAR = f"""{_COLUMNS} s.room_id, s.check_in, s.check_out, s.pinned, s.moves_on, coalesce(o.name, ''), 0, s.check_in, s.check_out
FROM reservations_roomstay s JOIN reservations_booking b ON b.id = s.booking_id
LEFT JOIN properties_room o ON o.id = s.next_room_id
"""
# Joined to lists, not compared with them: each room and each stay is then looked up by itself, whatever the planner
# believes of the whole table. Whoever leaves on the first day shows, too: the morning is theirs.
_IN_ROOMS = f"""{_COLUMNS} h.room_id, s.check_in, s.check_out, s.pinned, s.moves_on, coalesce(o.name, ''),
  CASE WHEN s.moves_on IS NULL THEN 0 WHEN lower(h.nights) = s.moves_on THEN 2 ELSE 1 END, lower(h.nights), upper(h.nights)
FROM reservations_heldroom h
JOIN unnest(%(rooms)s::uuid[]) AS wanted (room_id) ON h.room_id = wanted.room_id
JOIN reservations_roomstay s ON s.id = h.room_stay_id JOIN reservations_booking b ON b.id = s.booking_id
LEFT JOIN properties_room o ON s.moves_on IS NOT NULL
  AND o.id = CASE WHEN lower(h.nights) = s.moves_on THEN s.room_id ELSE s.next_room_id END
WHERE h.nights && daterange(%(before)s, %(after)s)
"""
_OF_THESE = (
    _BAR
    + """
JOIN unnest(%(stays)s::uuid[]) AS wanted (id) ON s.id = wanted.id
WHERE s.holds_stock ORDER BY s.check_in, s.id
"""
)


def list_bars(*, first: date, last: date, room_ids: Sequence[UUID], stay_ids: Sequence[UUID] = ()) -> list[Bar]:
    """The stays in these rooms of which any part falls on first to last; then those named, the next arrival first."""
    asked = {"before": first - ADAY, "after": last + ADAY, "rooms": list(room_ids)}
    with sql() as cursor:
        placed = cursor.execute(_IN_ROOMS, asked).fetchall()
        named = cursor.execute(_OF_THESE, {"stays": list(stay_ids)}).fetchall()
    return [Bar(*row) for row in (*placed, *named)]


class Waiting(NamedTuple):
    """A stay that has no room."""

    stay_id: UUID
    room_type_id: UUID
    check_in: date
    check_out: date


def list_waiting(*, property_id: UUID, first: date, last: date, room_type_ids: Sequence[UUID]) -> list[Waiting]:
    """The stays of these types without a room, of which any part falls on first to last; the next arrival first.

    Only what their place on the chart needs: months ahead nearly every stay is one of them.
    """
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT id, room_type_id, check_in, check_out FROM reservations_roomstay"
            " WHERE property_id = %s AND room_type_id = ANY(%s) AND room_id IS NULL AND holds_stock"
            " AND check_in < %s AND check_out > %s ORDER BY check_in, id",
            (property_id, list(room_type_ids), last + ADAY, first - ADAY),
        ).fetchall()
    return [Waiting(*row) for row in rows]


def list_blocks(*, property_id: UUID, first: date, last: date) -> list[Block]:
    """What is out of order on any of these nights, in the property's rooms and of its types."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT id, room_type_id, room_id, first, last, reason FROM inventory_outoforder"
            " WHERE property_id = %s AND released_at IS NULL AND first <= %s AND last >= %s ORDER BY first, id",
            (property_id, last, first - ADAY),
        ).fetchall()
    return [Block(*row) for row in rows]


def list_nights_left(*, property_id: UUID, first: date, last: date, room_type_ids: Sequence[UUID]) -> list[NightLeft]:
    """What is left to sell of these types; nights that are not known yet are absent."""
    with sql() as cursor:
        rows = cursor.execute(
            f"SELECT room_type_id, day, greatest(0, {left_of()}),"  # noqa: S608  # columns of ours
            " greatest(0, sold + held + out_of_order - rooms),"
            " least(withheld, greatest(0, rooms - out_of_order - sold - held)) FROM inventory_stockday"
            " WHERE property_id = %s AND day BETWEEN %s AND %s AND room_type_id = ANY(%s)",
            (property_id, first, last, list(room_type_ids)),
        ).fetchall()
    return [NightLeft(*row) for row in rows]


def find_in_chart(
    *, property_id: UUID, text: str, first: date, last: date, limit: int = 20
) -> tuple[list[Bar], list[Bar]]:
    """Stays by the whole code of their booking or a part of the guest's name: those on first to last, and the others.

    Only what holds a room, and so stands on the chart: a stay that was cancelled is found among the bookings.
    The others come by how near their arrival is to `first`, coming ones before past ones at the same distance.
    """
    text = text.strip()
    if not text:
        return [], []
    like = "%" + text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
    with sql() as cursor:
        rows = cursor.execute(
            _BAR + " WHERE s.holds_stock AND s.property_id = %(property)s"
            " AND (b.code = %(code)s OR b.guest_name ILIKE %(like)s OR s.guest_name ILIKE %(like)s)"
            " ORDER BY NOT (s.check_in <= %(last)s AND s.check_out >= %(first)s),"
            " abs(s.check_in - %(first)s::date), s.check_in DESC, s.id LIMIT %(limit)s",
            {
                "property": property_id,
                "code": text.upper(),
                "like": like,
                "first": first,
                "last": last,
                "limit": limit,
            },
        ).fetchall()
    bars = [Bar(*row) for row in rows]
    inside = [one for one in bars if one.check_in <= last and one.check_out >= first]
    return sorted(inside, key=lambda one: (one.check_in, one.guest)), [one for one in bars if one not in inside]


def get_bar(*, stay_id: UUID) -> Bar | None:
    """A stay that holds a room; None where there is none."""
    with sql() as cursor:
        row = cursor.execute(_BAR + " WHERE s.holds_stock AND s.id = %(stay)s", {"stay": stay_id}).fetchone()
    return Bar(*row) if row else None


def list_channels_shown(*, property_id: UUID) -> list[str]:
    """The channels that the property's bookings may come from: direct, and those it is or was connected to."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT DISTINCT a.vendor FROM distribution_connection c JOIN distribution_account a ON a.id = c.account_id"
            " WHERE c.property_id = %s ORDER BY 1",
            (property_id,),
        ).fetchall()
    return ["direct", *(row[0] for row in rows)]


def list_free_rooms(
    *, property_id: UUID, room_type_ids: Sequence[UUID], check_in: date, check_out: date, besides: UUID | None = None
) -> set[UUID]:
    """Of these types the rooms in which nobody else but that stay sleeps on these nights, and which are in order then."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT r.id FROM properties_room r WHERE r.property_id = %(property)s AND r.room_type_id = ANY(%(types)s)"
            " AND (r.retired_from IS NULL OR r.retired_from >= %(out)s)"
            " AND NOT EXISTS (SELECT FROM reservations_heldroom h WHERE h.room_id = r.id"
            "   AND h.room_stay_id IS DISTINCT FROM %(besides)s AND h.nights && daterange(%(in)s, %(out)s))"
            " AND NOT EXISTS (SELECT FROM inventory_outoforder o WHERE o.room_id = r.id AND o.released_at IS NULL"
            "   AND o.first < %(out)s AND o.last >= %(in)s)",
            {
                "property": property_id,
                "types": list(room_type_ids),
                "in": check_in,
                "out": check_out,
                "besides": besides,
            },
        ).fetchall()
    return {row[0] for row in rows}
