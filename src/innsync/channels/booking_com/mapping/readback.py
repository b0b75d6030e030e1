"""The vendor's own calendar and catalogue as ours (NOTES.md 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from lxml import etree

from innsync.channels.booking_com.mapping.xml import (
    MOST_PERSONS,
    attribute,
    broken,
    each,
    name,
    number,
    one,
    read_xml,
    text,
)
from innsync.domain.ari import (
    AVAILABILITY,
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    MAX_STAY,
    MIN_STAY_ARRIVAL,
    MIN_STAY_THROUGH,
    STOP_SELL,
    Calendar,
    Row,
    Target,
    price_field,
)
from innsync.domain.channel import ChannelRate, ChannelRoom
from innsync.domain.errors import InvalidMoney
from innsync.domain.money import Money
from innsync.integrations.errors import NotAuthorised, Rejected
from innsync.integrations.ports import PropertyRef

DAYS_A_CALL: Final = 31
_FLAGS: Final = {STOP_SELL: "closed", CLOSED_TO_ARRIVAL: "closedonarrival", CLOSED_TO_DEPARTURE: "closedondeparture"}
_NIGHTS: Final = {
    MIN_STAY_THROUGH: "minimumstay",
    MIN_STAY_ARRIVAL: "minimumstay_arrival",
    MAX_STAY: "maximumstay_arrival",
}

Cells = dict[tuple[Target, date], dict[str, int]]


@dataclass(slots=True)
class _Reader:
    """Gathers what one answer says, field by field; what it does not say stays away."""

    currency: str
    cells: Cells = field(default_factory=dict)

    def room_night(self, room: str, night: date, said: etree._Element) -> None:
        """A room's count. A room type that is closed sells nothing, whatever its count (NOTES.md 3.5)."""
        count = _value(said, "rooms_to_sell")
        if count:
            closed = _value(said, "closed") == "1"
            self.cells[Target(room), night] = {AVAILABILITY: 0 if closed else _whole(count)}

    def product_night(self, room: str, rate: str, night: date, said: etree._Element) -> None:
        values = self.cells.setdefault((Target(room, rate), night), {})
        for known, word in _FLAGS.items():
            if flag := _value(said, word):
                values[known] = int(flag == "1")
        for known, word in _NIGHTS.items():
            if nights := _value(said, word):
                values[known] = _whole(nights) if known == MAX_STAY else max(_whole(nights), 1)
        for price in each(said, "price"):
            if persons := attribute(price, "persons"):
                values[price_field(number(persons, most=MOST_PERSONS))] = _amount(text(price), self.currency)


def read_calendar(body: bytes, prop: PropertyRef, *, operation: str) -> Cells:
    """What one answer of roomrateavailability says. Raises ContractBroken; Rejected or NotAuthorised for a fault."""
    root = read_xml(body, operation=operation)
    raise_for_fault(root, operation)
    if name(root) != "result":
        raise broken(f"roomrateavailability answered {name(root)}", operation)
    reader = _Reader(prop.currency)
    try:
        for room in each(root, "room"):
            room_id = attribute(room, "room_id", "id")
            for said in each(room, "date"):
                night = date.fromisoformat(attribute(said, "value"))
                reader.room_night(room_id, night, said)
                for rate in each(said, "rate"):
                    reader.product_night(room_id, attribute(rate, "rate_id", "id"), night, rate)
    except (ValueError, InvalidMoney) as error:
        raise broken(f"roomrateavailability: {error}", operation) from error
    return reader.cells


def calendars(
    cells: Cells, layouts: Mapping[Target, tuple[str, ...]], first: date, last: date
) -> dict[Target, Calendar]:
    nights = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return {
        target: Calendar(first, layout, tuple(_row(cells.get((target, night), {}), layout) for night in nights))
        for target, layout in layouts.items()
    }


def _row(values: Mapping[str, int], layout: tuple[str, ...]) -> Row:
    return tuple(values.get(wanted) for wanted in layout)


def windows(first: date, last: date) -> Iterator[tuple[date, int]]:
    """First days and lengths of the calls that cover the dates, 31 days each at most."""
    while first <= last:
        days = min(DAYS_A_CALL, (last - first).days + 1)
        yield first, days
        first += timedelta(days=days)


def _value(element: etree._Element, word: str) -> str:
    return attribute(element, word) or text(element, word)


def _whole(written: str) -> int:
    value = int(written)
    if value < 0:
        raise ValueError(f"{written} is below zero")
    return value


def _amount(written: str, currency: str) -> int:
    try:
        return Money.parse(Decimal(written), currency).minor
    except InvalidOperation:
        raise InvalidMoney(text=written) from None


def raise_for_fault(root: etree._Element, operation: str) -> None:
    """A B.XML fault can come with status 200. Raises NotAuthorised or Rejected."""
    fault = root if name(root) == "fault" else one(root, "fault")
    if fault is None:
        return
    code = attribute(fault, "code")
    words = attribute(fault, "string") or text(fault, "string") or text(fault)
    family = NotAuthorised if code in ("401", "403") else Rejected
    raise family(words, vendor="booking_com", operation=operation, vendor_code=code)


def read_catalogue(body: bytes, prop: PropertyRef, *, operation: str) -> list[ChannelRoom]:
    """The property's rooms and their rates. Raises as `read_calendar`."""
    root = read_xml(body, operation=operation)
    raise_for_fault(root, operation)
    if name(root) != "rooms":
        raise broken(f"roomrates answered {name(root)}", operation)
    try:
        return [_room(room, prop) for room in each(root, "room") if attribute(room, "hotel_id") in ("", prop.id)]
    except ValueError as error:
        raise broken(f"roomrates: {error}", operation) from error


def _room(room: etree._Element, prop: PropertyRef) -> ChannelRoom:
    rates = each(room, "rates/rate")
    persons = [number(most, most=MOST_PERSONS) for rate in rates if (most := attribute(rate, "max_persons"))]
    return ChannelRoom(
        id=attribute(room, "id"),
        name=attribute(room, "room_name"),
        max_adults=max(persons, default=None),
        rates=tuple(_rate(rate, prop) for rate in rates),
    )


def _rate(rate: etree._Element, prop: PropertyRef) -> ChannelRate:
    persons = attribute(rate, "max_persons")
    by_guests = prop.settings.get("pricing_model", "obp") == "obp" and persons
    return ChannelRate(
        id=attribute(rate, "id"),
        name=attribute(rate, "rate_name"),
        occupancies=tuple(range(1, number(persons, most=MOST_PERSONS) + 1)) if by_guests else (),
        currency=prop.currency,
        read_only=attribute(rate, "readonly") == "1" or attribute(rate, "is_child_rate") == "1",
    )
