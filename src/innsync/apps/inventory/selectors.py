"""Reading what is left to sell."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.domain.offers import StockRow


def list_stock(
    *, property_id: UUID, first: date, last: date, room_type_ids: list[UUID] | None = None
) -> list[StockRow]:
    """Rooms left (negative after an oversale) by night and type, first to last, both included."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT day, room_type_id, rooms - out_of_order - sold - held FROM inventory_stockday"
            " WHERE property_id = %s AND day BETWEEN %s AND %s AND (%s::uuid[] IS NULL OR room_type_id = ANY(%s))",
            (property_id, first, last, room_type_ids, room_type_ids),
        ).fetchall()
    return [StockRow(*row) for row in rows]


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
