"""What the number of rooms left to sell is made of."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from innsync.apps.accounts.tenancy import sql


def left_of(table: str = "inventory_stockday") -> str:
    """SQL of the rooms that may be sold on a night of that table or alias.

    Below zero where more was sold than there is, or a channel sold rooms that were withheld.
    """
    there, *less = (f"{table}.{one}" for one in ("rooms", "out_of_order", "sold", "held", "withheld"))
    return " - ".join((there, *less))


class Count(NamedTuple):
    """Rooms of one type on one night. withheld_by: whoever said so last, empty where nobody did."""

    rooms: int
    sold: int
    held: int
    out_of_order: int
    oversold: int
    withheld: int = 0
    withheld_by: str = ""

    @property
    def left(self) -> int:
        """To sell; negative, by `oversold`, where more was sold than there is."""
        return self._there - self.not_offered

    @property
    def not_offered(self) -> int:
        """Rooms that are withheld and there: a channel may have sold some that were withheld."""
        return min(self.withheld, max(0, self._there))

    @property
    def _there(self) -> int:
        return self.rooms - self.sold - self.held - self.out_of_order


def list_counts(*, property_id: UUID, first: date, last: date) -> dict[tuple[UUID, date], Count]:
    """By room type and night, first to last, both included; a night of which nothing is known is missing."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT s.room_type_id, s.day, s.rooms, s.sold, s.held, s.out_of_order, s.oversold, s.withheld,"
            " coalesce(w.actor, '') FROM inventory_stockday s LEFT JOIN inventory_withholding w ON w.id = s.withheld_by_id"
            " WHERE s.property_id = %s AND s.day BETWEEN %s AND %s",
            (property_id, first, last),
        ).fetchall()
    return {(row[0], row[1]): Count(*row[2:]) for row in rows}
