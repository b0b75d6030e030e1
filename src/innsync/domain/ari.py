"""Availability, rates and inventory (ARI) of one target, night by night, and the difference of two such calendars.

A *target* is what a channel prices or counts: one of its rooms (availability) or one of its products, a room sold
at a rate (prices and restrictions). A calendar holds one row of whole numbers a night; `None` means *unknown*: never
told, or told without an answer. Unknown differs from every value, so it is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from innsync.domain.money import Money
from innsync.domain.spans import DAY

AVAILABILITY: Final = "availability"
MIN_STAY_ARRIVAL: Final = "min_stay_arrival"
MIN_STAY_THROUGH: Final = "min_stay_through"
MAX_STAY: Final = "max_stay"
CLOSED_TO_ARRIVAL: Final = "closed_to_arrival"
CLOSED_TO_DEPARTURE: Final = "closed_to_departure"
STOP_SELL: Final = "stop_sell"
RESTRICTIONS: Final = (
    MIN_STAY_ARRIVAL,
    MIN_STAY_THROUGH,
    MAX_STAY,
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    STOP_SELL,
)
ROOM_LAYOUT: Final = (AVAILABILITY,)


def price_field(occupancy: int) -> str:
    """The field that holds the price of a night for that many adults: `price_2`."""
    return f"price_{occupancy}"


def price_occupancy(field: str) -> int | None:
    """The number of adults a price field is for; None for any other field."""
    return int(field[6:]) if field.startswith("price_") else None


def product_layout(occupancies: Iterable[int], restrictions: Iterable[str] = RESTRICTIONS) -> tuple[str, ...]:
    """The fields of a product's row: the restrictions a channel can express, then its prices by occupancy."""
    return (*restrictions, *(price_field(occupancy) for occupancy in sorted(occupancies)))


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A channel's room, or its product when `rate` is given. Both are the channel's own ids."""

    room: str
    rate: str | None = None


Row = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Rows of one target: `rows[i]` is the night `first + i`, its values in the order of `layout`.

    availability: rooms left to sell, 0 or more. Minimum stays: nights, 1 = none. max_stay: nights, 0 = none.
    closed_to_arrival, closed_to_departure, stop_sell: 0 or 1. price_n: minor units for n adults; None = not sold.
    """

    first: date
    layout: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def last(self) -> date:
        return self.first + timedelta(days=len(self.rows) - 1)

    def row(self, night: date) -> Row:
        """The night's row; all unknown outside the calendar."""
        index = (night - self.first).days
        return self.rows[index] if 0 <= index < len(self.rows) else (None,) * len(self.layout)

    @classmethod
    def unknown(cls, first: date, nights: int, layout: tuple[str, ...]) -> Calendar:
        return cls(first, layout, ((None,) * len(layout),) * nights)


@dataclass(frozen=True, slots=True)
class AriUpdate:
    """New values for one target on every night from `first` to `last`, both included.

    `values` holds just the fields that differ; prices always travel together, all occupancies of the product.
    Values are absolute levels, never changes, so that an update may be repeated freely.
    """

    target: Target
    first: date
    last: date
    values: Mapping[str, int]
    currency: str

    def get(self, field: str) -> int | None:
        return self.values.get(field)

    @property
    def prices(self) -> tuple[tuple[int, Money], ...]:
        """The prices in this update, by number of adults, fewest first."""
        found = (
            (occupancy, Money(value, self.currency))
            for field, value in self.values.items()
            if (occupancy := price_occupancy(field)) is not None
        )
        return tuple(sorted(found))

    @property
    def closes(self) -> bool:
        """Whether this update takes something off sale: it must overtake those that open."""
        return self.values.get(AVAILABILITY) == 0 or any(
            self.values.get(field) == 1 for field in (STOP_SELL, CLOSED_TO_ARRIVAL, CLOSED_TO_DEPARTURE)
        )

    @property
    def nights(self) -> int:
        return (self.last - self.first).days + 1


def changed_fields(layout: Sequence[str], wanted: Row, acknowledged: Row) -> dict[str, int]:
    """The fields of one night to send. A wanted None (nothing to say) is never sent; prices travel together."""
    changed: dict[str, int] = {}
    price_moved = False
    for field, new, old in zip(layout, wanted, acknowledged, strict=True):
        if new is not None and new != old:
            if field.startswith("price_"):
                price_moved = True
            else:
                changed[field] = new
    if price_moved:
        for field, new in zip(layout, wanted, strict=True):
            if new is not None and field.startswith("price_"):
                changed[field] = new
    return changed


def difference(target: Target, wanted: Calendar, acknowledged: Calendar, *, currency: str) -> list[AriUpdate]:
    """What has to be said so that the channel holds `wanted`; equal neighbouring nights merged, in date order.

    Law: applying the result to `acknowledged` gives `wanted` wherever wanted says anything.
    """
    known = _rows_beside(wanted, acknowledged)
    if wanted.rows == known:
        return []
    updates: list[AriUpdate] = []
    night = end = wanted.first
    said: dict[str, int] | None = None
    # Most nights are like others: each kind of night is compared once.
    found: dict[tuple[Row, Row], dict[str, int]] = {}
    for kind, alike in groupby(zip(wanted.rows, known, strict=True)):
        begin, night = night, night + timedelta(days=len(list(alike)))
        if kind[0] == kind[1]:
            continue
        changed = found.get(kind)
        if changed is None:
            changed = found[kind] = changed_fields(wanted.layout, *kind)
        if not changed:
            continue
        if begin == end and changed == said:
            updates[-1] = replace(updates[-1], last=night - DAY)
        else:
            updates.append(AriUpdate(target, begin, night - DAY, changed, currency))
        end, said = night, changed
    return updates


def _rows_beside(wanted: Calendar, other: Calendar) -> tuple[Row, ...]:
    """The other's rows on the nights of this one; unknown where it says nothing."""
    start = (wanted.first - other.first).days
    if start >= 0 and start + len(wanted.rows) <= len(other.rows):
        return other.rows[start : start + len(wanted.rows)]
    return tuple(other.row(wanted.first + timedelta(days=offset)) for offset in range(len(wanted.rows)))


def apply(calendar: Calendar, updates: Iterable[AriUpdate]) -> Calendar:
    """The calendar after the updates; nights outside it are ignored."""
    return with_values(calendar, ((update.first, update.nights, update.values) for update in updates))


def with_values(calendar: Calendar, changes: Iterable[tuple[date, int, Mapping[str, int | None]]]) -> Calendar:
    """The calendar with other values in some fields from a night on, for so many nights; None: unknown."""
    rows = list(calendar.rows)
    position = {field: index for index, field in enumerate(calendar.layout)}
    for first, nights, fields in changes:
        start = (first - calendar.first).days
        values = [(position[field], value) for field, value in fields.items()]
        changed: dict[Row, Row] = {}  # most nights are like others, and share what becomes of them
        for index in range(max(0, start), min(len(rows), start + nights)):
            old = rows[index]
            if old not in changed:
                changed[old] = _with(old, values)
            rows[index] = changed[old]
    return Calendar(calendar.first, calendar.layout, tuple(rows))


def _with(row: Row, values: Iterable[tuple[int, int | None]]) -> Row:
    new = list(row)
    for index, value in values:
        new[index] = value
    return tuple(new)


def urgency(update: AriUpdate, today: date) -> tuple[int, int]:
    """Sort key: what closes goes before what opens, near nights before far ones."""
    return (0 if update.closes else 1, (update.first - today).days)
