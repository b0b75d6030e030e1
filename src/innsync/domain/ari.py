"""Availability, rates and inventory (ARI) of one target, night by night, and the difference of two such calendars.

A *target* is what a channel prices or counts: one of its rooms (availability) or one of its products, a room sold
at a rate (prices and restrictions). A calendar holds one row of whole numbers a night; `None` means *unknown*: never
told, or told without an answer. Unknown differs from every value, so it is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from innsync.domain.money import Money
from innsync.domain.spans import compress

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
    if wanted == acknowledged:
        return []
    by_night: dict[date, dict[str, int]] = {}
    night = wanted.first
    for new in wanted.rows:
        old = acknowledged.row(night)
        if new != old and (changed := changed_fields(wanted.layout, new, old)):
            by_night[night] = changed
        night += timedelta(days=1)
    return [AriUpdate(target, span.first, span.last, span.value, currency) for span in compress(by_night)]


def apply(calendar: Calendar, updates: Iterable[AriUpdate]) -> Calendar:
    """The calendar after the updates; nights outside it are ignored."""
    rows = [list(row) for row in calendar.rows]
    position = {field: index for index, field in enumerate(calendar.layout)}
    for update in updates:
        for offset in range(update.nights):
            index = (update.first - calendar.first).days + offset
            if 0 <= index < len(rows):
                for field, value in update.values.items():
                    rows[index][position[field]] = value
    return Calendar(calendar.first, calendar.layout, tuple(tuple(row) for row in rows))


def urgency(update: AriUpdate, today: date) -> tuple[int, int]:
    """Sort key: what closes goes before what opens, near nights before far ones."""
    return (0 if update.closes else 1, (update.first - today).days)
