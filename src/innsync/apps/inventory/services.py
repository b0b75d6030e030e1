"""Changing what is left to sell. Every function works inside `tenant(...)` and commits or vanishes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg
from django.db import DatabaseError
from psycopg.types.json import Jsonb

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import sql, write_first
from innsync.apps.inventory.counts import left_of
from innsync.domain.errors import DomainError
from innsync.domain.spans import compress
from innsync.domain.stay import StayDates

TypeNight = tuple[UUID, date]
_SOLD_OUT = "IN001"  # of the database's function inventory_sold_out


@dataclass(eq=False)
class SoldOut(DomainError):
    """Some nights have no room left. `nights`: the room type and night of each."""

    nights: list[TypeNight]


@dataclass(eq=False)
class HoldGone(DomainError):
    """The hold has expired, was used, or never was."""

    hold_id: str


@dataclass(slots=True)
class StockChange:
    """By how much the sold and held rooms of a type change on a night; positive takes rooms.

    looked: whether `ask_short` has been asked of it.
    """

    sold: dict[TypeNight, int] = field(default_factory=dict)
    held: dict[TypeNight, int] = field(default_factory=dict)
    looked: bool = False

    def sell(self, room_type_id: UUID, stay: StayDates, rooms: int = 1) -> None:
        for night in stay.nights():
            self.sold[room_type_id, night] = self.sold.get((room_type_id, night), 0) + rooms

    def free(self, room_type_id: UUID, stay: StayDates, rooms: int = 1) -> None:
        self.sell(room_type_id, stay, -rooms)

    def hold(self, room_type_id: UUID, stay: StayDates, rooms: int = 1) -> None:
        for night in stay.nights():
            self.held[room_type_id, night] = self.held.get((room_type_id, night), 0) + rooms

    def net(self) -> list[tuple[UUID, date, int, int]]:
        """(room type, night, sold, held) wherever something changes."""
        keys = sorted(self.sold.keys() | self.held.keys(), key=lambda key: (key[0].int, key[1]))
        lines = ((key[0], key[1], self.sold.get(key, 0), self.held.get(key, 0)) for key in keys)
        return [line for line in lines if line[2] or line[3]]

    def touched(self) -> list[tuple[UUID, date, date]]:
        """(room type, first, last) spans of the nights whose count to sell changes."""
        by_type: dict[UUID, dict[date, bool]] = {}
        for room_type_id, night, sold, held in self.net():
            if sold + held:
                by_type.setdefault(room_type_id, {})[night] = True
        return [
            (room_type_id, span.first, span.last)
            for room_type_id, nights in by_type.items()
            for span in compress(nights)
        ]


def advisory_key(room_type_id: UUID) -> int:
    """The number that PostgreSQL's advisory locks know a room type by."""
    return (room_type_id.int & 0xFFFFFFFFFFFFFFFF) - 0x8000000000000000


# A function's rows come in its own order, and each is locked as it comes.
_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"


def _ascending(room_type_ids: Iterable[UUID]) -> list[int]:
    return sorted({advisory_key(room_type_id) for room_type_id in room_type_ids})


def lock_types(cursor: psycopg.Cursor[Any], room_type_ids: Iterable[UUID]) -> None:
    """One writer at a time for each room type, until the transaction ends; taken in ascending order against deadlock.

    A queue on one advisory lock is twice as fast for a hot room type as a queue on row locks.
    """
    cursor.execute(_LOCK, (_ascending(room_type_ids),))


_SHORT = f"""
SELECT c.room_type_id, c.day
FROM unnest(%(types)s::uuid[], %(days)s::date[], %(sold)s::int[], %(held)s::int[]) AS c(room_type_id, day, sold, held)
LEFT JOIN inventory_stockday s
  ON s.property_id = %(property)s AND s.day = c.day AND s.room_type_id = c.room_type_id
WHERE c.sold + c.held > 0
  AND coalesce({left_of("s")}, 0) < c.sold + c.held
"""  # noqa: S608  # columns of ours

# A night that was not changed had no room, or is not known.
_CHANGE_DIRECT = f"""
WITH asked AS (
  SELECT * FROM unnest(%(types)s::uuid[], %(days)s::date[], %(sold)s::int[], %(held)s::int[])
    AS c(room_type_id, day, sold, held)
), changed AS (
  UPDATE inventory_stockday s
  SET sold = s.sold + c.sold, held = s.held + c.held,
      oversold = least(s.oversold, greatest(0, s.sold + c.sold + s.held + c.held + s.out_of_order - s.rooms))
  FROM asked c
  WHERE s.property_id = %(property)s AND s.day = c.day AND s.room_type_id = c.room_type_id
    AND (c.sold + c.held <= 0 OR {left_of("s")} >= c.sold + c.held)
  RETURNING s.room_type_id, s.day
)
SELECT inventory_sold_out(json_agg(json_build_array(room_type_id, day)))
FROM (SELECT room_type_id, day FROM asked EXCEPT SELECT room_type_id, day FROM changed) AS missing
HAVING count(*) > 0
"""  # noqa: S608

_CHANGE_FACT = """
UPDATE inventory_stockday s
SET sold = greatest(0, s.sold + c.sold), held = greatest(0, s.held + c.held),
    oversold = greatest(0, s.sold + c.sold + s.held + c.held + s.out_of_order - s.rooms)
FROM unnest(%(types)s::uuid[], %(days)s::date[], %(sold)s::int[], %(held)s::int[]) AS c(room_type_id, day, sold, held)
WHERE s.property_id = %(property)s AND s.day = c.day AND s.room_type_id = c.room_type_id
RETURNING s.room_type_id, s.day
"""

_OPEN_MISSING = """
INSERT INTO inventory_stockday (organization_id, property_id, day, room_type_id, rooms, out_of_order, sold, held, oversold)
SELECT p.organization_id, p.id, c.day, c.room_type_id, r.rooms, o.blocked, 0, 0, greatest(0, o.blocked - r.rooms)
FROM unnest(%(types)s::uuid[], %(days)s::date[]) AS c(room_type_id, day)
JOIN properties_property p ON p.id = %(property)s
CROSS JOIN LATERAL (
  SELECT count(*) AS rooms FROM properties_room r
  WHERE r.room_type_id = c.room_type_id AND (r.retired_from IS NULL OR r.retired_from > c.day)) r
CROSS JOIN LATERAL (
  SELECT count(*) AS blocked FROM inventory_outoforder o
  WHERE o.room_type_id = c.room_type_id AND o.released_at IS NULL AND c.day BETWEEN o.first AND o.last) o
ON CONFLICT DO NOTHING
"""


def _parameters(property_id: UUID, lines: Sequence[tuple[UUID, date, int, int]]) -> dict[str, Any]:
    # Arrays as PostgreSQL writes them itself: psycopg takes several times as long for lists of these.
    types, days, sold, held = (f"{{{','.join(map(str, column))}}}" for column in zip(*lines, strict=True))
    return {"property": property_id, "types": types, "days": days, "sold": sold, "held": held}


def ask_short(*, property_id: UUID, change: StockChange) -> Callable[[], list[TypeNight]]:
    """A look without a lock at the nights that have too few rooms: whoever comes too late need not queue behind others."""
    change.looked = True
    lines = change.net()
    if not any(sold + held > 0 for _, _, sold, held in lines):
        return list
    return sql().execute(_SHORT, _parameters(property_id, lines)).fetchall


def change_stock(*, property_id: UUID, change: StockChange) -> None:
    """Apply a direct change, all of it or nothing.

    Raises SoldOut naming every night without enough rooms; within `together` at its end, and in `swiftly` perhaps as
    late as that ends (`refusals_told`). The caller's transaction must then be rolled back.
    """
    lines = change.net()
    if not lines:
        return
    if not change.looked and (short := ask_short(property_id=property_id, change=change)()):
        raise SoldOut(nights=short)
    with refusals_told():
        write_first(_LOCK, (_ascending(line[0] for line in lines),))
        write_first(_CHANGE_DIRECT, _parameters(property_id, lines))


@contextmanager
def refusals_told() -> Iterator[None]:
    """Raises the database's own refusal of a change as SoldOut, wherever it comes up."""
    try:
        yield
    except (DatabaseError, psycopg.DatabaseError) as error:
        cause = error if isinstance(error, psycopg.DatabaseError) else error.__cause__
        if not isinstance(cause, psycopg.DatabaseError) or cause.sqlstate != _SOLD_OUT:
            raise
        nights = orjson.loads(cause.diag.message_detail or "[]")
        raise SoldOut(nights=[(UUID(one), date.fromisoformat(night)) for one, night in nights]) from None


def record_stock(*, property_id: UUID, change: StockChange) -> None:
    """Apply what is a fact already, such as a channel's sale: never refused, may oversell (then `oversold` says so)."""
    lines = change.net()
    if not lines:
        return
    parameters = _parameters(property_id, lines)
    with sql() as cursor:
        lock_types(cursor, (line[0] for line in lines))
        changed = cursor.execute(_CHANGE_FACT, parameters).fetchall()
        if len(changed) < len(lines):
            known = set(changed)
            rest = [line for line in lines if (line[0], line[1]) not in known]
            cursor.execute(_OPEN_MISSING, _parameters(property_id, rest))
            cursor.execute(_CHANGE_FACT, _parameters(property_id, rest))


def open_stock(*, property_id: UUID, room_type_id: UUID, first: date, last: date) -> None:
    """Make the nights known, with as many rooms as the type has then; nights already known keep what they hold."""
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    with sql() as cursor:
        # Whoever takes a room out of use waits, or is waited for (`lock_rooms`): else the new nights would not know of it.
        cursor.execute("SELECT 1 FROM properties_roomtype WHERE id = %s FOR SHARE", (room_type_id,))
        cursor.execute(_OPEN_MISSING, {"property": property_id, "types": [room_type_id] * len(days), "days": days})


def open_nights(*, property_id: UUID, nights: Sequence[TypeNight]) -> None:
    """The same for these nights of several types, by whoever holds their rows of `properties_roomtype` for share."""
    with sql() as cursor:
        cursor.execute(
            _OPEN_MISSING,
            {"property": property_id, "types": [one for one, _ in nights], "days": [day for _, day in nights]},
        )


def lock_rooms(*, room_type_id: UUID) -> None:
    """Nobody else changes which rooms of the type may be let, or makes nights of it known, until the transaction ends."""
    with sql() as cursor:
        cursor.execute("SELECT 1 FROM properties_roomtype WHERE id = %s FOR NO KEY UPDATE", (room_type_id,))


def lock_rooms_of(*, property_id: UUID) -> None:
    """Nobody else decides which stay has which of the property's rooms, until the transaction ends.

    Taken before any booking is locked.
    """
    with sql() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 13))", (str(property_id),))


def recount_rooms(*, property_id: UUID, room_type_id: UUID, first: date) -> list[tuple[UUID, date, date]]:
    """After rooms were added or retired: the count on every night from `first` on. Oversales this makes are kept.

    Answers the (room type, first, last) spans of the nights whose count changed.
    """
    with sql() as cursor:
        lock_types(cursor, [room_type_id])
        changed = cursor.execute(
            """
            UPDATE inventory_stockday s
            SET rooms = n.rooms, oversold = greatest(0, s.sold + s.held + s.out_of_order - n.rooms)
            FROM (
              SELECT s2.day, (SELECT count(*) FROM properties_room r WHERE r.room_type_id = s2.room_type_id
                AND (r.retired_from IS NULL OR r.retired_from > s2.day))::int AS rooms
              FROM inventory_stockday s2
              WHERE s2.property_id = %(property)s AND s2.room_type_id = %(type)s AND s2.day >= %(first)s
            ) n
            WHERE s.property_id = %(property)s AND s.room_type_id = %(type)s AND s.day = n.day AND s.rooms <> n.rooms
            RETURNING s.day
            """,
            {"property": property_id, "type": room_type_id, "first": first},
        ).fetchall()
    return [(room_type_id, span.first, span.last) for span in compress({day: True for (day,) in changed})]


def change_out_of_order(*, property_id: UUID, room_type_id: UUID, first: date, last: date, rooms: int) -> None:
    """Take rooms out of order (positive) or give them back (negative) on every night from first to last, both included."""
    with sql() as cursor:
        lock_types(cursor, [room_type_id])
        cursor.execute(
            """
            UPDATE inventory_stockday s
            SET out_of_order = greatest(0, s.out_of_order + %(rooms)s),
                oversold = greatest(0, s.sold + s.held + greatest(0, s.out_of_order + %(rooms)s) - s.rooms)
            WHERE s.property_id = %(property)s AND s.room_type_id = %(type)s AND s.day BETWEEN %(first)s AND %(last)s
            """,
            {"property": property_id, "type": room_type_id, "first": first, "last": last, "rooms": rooms},
        )


def hold_rooms(
    *,
    organization_id: UUID,
    property_id: UUID,
    stay: StayDates,
    rooms: Mapping[UUID, int],
    now: datetime,
    expires_at: datetime,
) -> tuple[UUID, StockChange]:
    """Keep rooms for a checkout in progress. Raises SoldOut. Answers the hold's id and what it took."""
    change = StockChange()
    for room_type_id, count in rooms.items():
        change.hold(room_type_id, stay, count)
    change_stock(property_id=property_id, change=change)
    hold_id = new_id()
    with sql() as cursor:
        cursor.execute(
            "INSERT INTO inventory_hold (id, organization_id, property_id, check_in, check_out, rooms, created_at,"
            " expires_at, state) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'active')",
            (
                hold_id,
                organization_id,
                property_id,
                stay.check_in,
                stay.check_out,
                Jsonb({str(key): count for key, count in rooms.items()}),
                now,
                expires_at,
            ),
        )
    return hold_id, change


def end_hold(*, property_id: UUID, hold_id: UUID, state: str, now: datetime | None = None) -> StockChange:
    """Close an active hold as `used`, `released` or `expired`; answers what it gives back, not yet applied.

    With `now`, a hold past its end counts as gone. Raises HoldGone.
    """
    with sql() as cursor:
        row = cursor.execute(
            "UPDATE inventory_hold SET state = %s WHERE id = %s AND property_id = %s AND state = 'active'"
            " AND (%s::timestamptz IS NULL OR expires_at > %s) RETURNING check_in, check_out, rooms",
            (state, hold_id, property_id, now, now),
        ).fetchone()
    if row is None:
        raise HoldGone(hold_id=str(hold_id))
    change = StockChange()
    for room_type_id, count in row[2].items():
        change.hold(UUID(room_type_id), StayDates(row[0], row[1]), -count)
    return change
