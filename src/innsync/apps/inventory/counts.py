"""What the number of rooms left to sell is made of."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from innsync.apps.accounts.tenancy import sql


class Count(NamedTuple):
    """Rooms of one type on one night. left: to sell; negative, by `oversold`, where more was sold than there is."""

    rooms: int
    sold: int
    held: int
    out_of_order: int
    oversold: int

    @property
    def left(self) -> int:
        return self.rooms - self.sold - self.held - self.out_of_order


def list_counts(*, property_id: UUID, first: date, last: date) -> dict[tuple[UUID, date], Count]:
    """By room type and night, first to last, both included; a night of which nothing is known is missing."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT room_type_id, day, rooms, sold, held, out_of_order, oversold FROM inventory_stockday"
            " WHERE property_id = %s AND day BETWEEN %s AND %s",
            (property_id, first, last),
        ).fetchall()
    return {(row[0], row[1]): Count(*row[2:]) for row in rows}
