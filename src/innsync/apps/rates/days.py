"""A house's days with all inheritance worked out, each once for all days on which the same is written down."""

from __future__ import annotations

from datetime import date

from innsync.apps.accounts.tenancy import sql
from innsync.apps.rates.selectors import House
from innsync.domain.offers import Day, RateRow, resolve

MOST_DAYS, MOST_HOUSES = 512, 128
Columns = tuple[bytes | None, ...]
"""prices, min_arrival, min_through, max_stay and flags as PostgreSQL writes them; none for a day of which nothing is known."""


class Days:
    """Of one house as it was read."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._known: dict[Columns, Day] = {}

    def of(self, columns: Columns) -> Day:
        day = self._known.get(columns)
        if day is None:
            if len(self._known) >= MOST_DAYS:
                self._known.clear()
            row = RateRow(date.min, *map(_numbers, columns)) if columns else None
            day = self._known[columns] = resolve(row, self.house.facts)
        return day


_made: dict[int, Days] = {}


def days_of(house: House) -> Days:
    """Made once for each house as it was read."""
    known = _made.get(id(house))
    if known is None:
        if len(_made) >= MOST_HOUSES:
            _made.clear()
        known = _made[id(house)] = Days(house)
    return known


def list_days(*, house: House, first: date, last: date) -> dict[date, Day]:
    """Those from first to last, both included, of which anything is known."""
    days = days_of(house)
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT day, prices::text, min_arrival::text, min_through::text, max_stay::text, flags::text"
            " FROM rates_rateday WHERE property_id = %s AND day BETWEEN %s AND %s",
            (house.id, first, last),
        ).fetchall()
    return {row[0]: days.of(tuple(text.encode() for text in row[1:])) for row in rows}


def _numbers(text: bytes | None) -> list[int | None]:
    """PostgreSQL's text of an array of numbers."""
    inside = (text or b"{}")[1:-1]
    return [None if one == b"NULL" else int(one) for one in inside.split(b",")] if inside else []
