"""Reading what is left to sell."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.inventory.counts import left_of
from innsync.domain.offers import StockRow


def list_stock(
    *, property_id: UUID, first: date, last: date, room_type_ids: list[UUID] | None = None
) -> list[StockRow]:
    """Rooms left (negative where more was sold than that) by night and type, first to last, both included."""
    with sql() as cursor:
        rows = cursor.execute(
            f"SELECT day, room_type_id, {left_of()} FROM inventory_stockday"  # noqa: S608  # columns of ours
            " WHERE property_id = %s AND day BETWEEN %s AND %s AND (%s::uuid[] IS NULL OR room_type_id = ANY(%s))",
            (property_id, first, last, room_type_ids, room_type_ids),
        ).fetchall()
    return [StockRow(*row) for row in rows]


def list_stock_of(*, property_ids: list[UUID], first: date, last: date) -> dict[UUID, list[StockRow]]:
    """The same of several properties; one without rows has an empty list."""
    with sql() as cursor:
        rows = cursor.execute(
            f"SELECT property_id, day, room_type_id, {left_of()} FROM inventory_stockday"  # noqa: S608  # columns of ours
            " WHERE property_id = ANY(%s) AND day BETWEEN %s AND %s",
            (property_ids, first, last),
        ).fetchall()
    found: dict[UUID, list[StockRow]] = {one: [] for one in property_ids}
    for property_id, *row in rows:
        found[property_id].append(StockRow(*row))
    return found


def list_left(*, property_id: UUID, room_type_ids: list[UUID], first: date, last: date) -> list[dict[int, int]]:
    """For each type the rooms left (negative where more was sold) by days after the first, first to last, both included.

    A year of ten types is thousands of nights: they come as few values.
    """
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT array_position(%(types)s, room_type_id), array_agg(day - %(first)s),"  # noqa: S608  # columns of ours
            f" array_agg({left_of()}) FROM inventory_stockday"
            " WHERE property_id = %(property)s AND day BETWEEN %(first)s AND %(last)s AND room_type_id = ANY(%(types)s)"
            " GROUP BY room_type_id",
            {"property": property_id, "types": room_type_ids, "first": first, "last": last},
        ).fetchall()
    found: list[dict[int, int]] = [{} for _ in room_type_ids]
    for place, days, left in rows:
        found[place - 1] = dict(zip(days, left, strict=True))
    return found


def list_oversold(
    *, property_id: UUID, first: date, last: date, room_type_ids: list[UUID]
) -> list[tuple[UUID, date, int]]:
    """(room type, night, by how many) wherever more was sold than there is."""
    with sql() as cursor:
        return cursor.execute(
            "SELECT room_type_id, day, oversold FROM inventory_stockday"
            " WHERE property_id = %s AND day BETWEEN %s AND %s AND room_type_id = ANY(%s) AND oversold > 0",
            (property_id, first, last, room_type_ids),
        ).fetchall()


class Night(NamedTuple):
    """Rooms that can be let, that are sold, and by how many more was sold than there is."""

    rooms: int
    sold: int
    oversold: int


def tonight(*, now: datetime, property_ids: Collection[UUID] = ()) -> Night:
    """Tonight at these properties together, or at all when none are named; each by its own date."""
    with sql() as cursor:
        row = cursor.execute(
            "SELECT coalesce(sum(s.rooms - s.out_of_order), 0), coalesce(sum(s.sold), 0), coalesce(sum(s.oversold), 0)"
            " FROM properties_property p JOIN inventory_stockday s"
            " ON s.property_id = p.id AND s.day = timezone(p.time_zone, %(now)s)::date"
            " WHERE %(properties)s::uuid[] IS NULL OR p.id = ANY(%(properties)s)",
            {"now": now, "properties": list(property_ids) or None},
        ).fetchone()
    return Night(*map(int, row or (0, 0, 0)))
