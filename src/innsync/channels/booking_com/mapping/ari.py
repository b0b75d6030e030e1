"""Our updates as the vendor's availability and rate messages (NOTES.md 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from lxml import etree

from innsync.channels.booking_com.mapping.xml import OTA, VENDOR, ota_root
from innsync.domain.ari import (
    AVAILABILITY,
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    MAX_STAY,
    MIN_STAY_ARRIVAL,
    MIN_STAY_THROUGH,
    STOP_SELL,
    AriUpdate,
    Target,
    price_occupancy,
)
from innsync.domain.money import Money, minor_digits
from innsync.domain.spans import DAY
from innsync.integrations.errors import NeedsSetup
from innsync.integrations.ports import PropertyRef, Push

AVAIL_NOTIF: Final = "OTA_HotelAvailNotif"
RATE_NOTIF: Final = "OTA_HotelRateAmountNotif"
MESSAGES_A_REQUEST: Final = 1000  # NOTES.md 7.2
LINES_AN_UPDATE: Final = 4

# NOTES.md 3.4: the stay-through words are documented, the arrival-based ones are not.
_NIGHTS: Final = {
    MIN_STAY_THROUGH: "SetMinLOS",
    MIN_STAY_ARRIVAL: "SetForwardMinStay",
    MAX_STAY: "SetForwardMaxStay",
}
_FLAGS: Final = {STOP_SELL: "Master", CLOSED_TO_ARRIVAL: "Arrival", CLOSED_TO_DEPARTURE: "Departure"}


@dataclass(frozen=True, slots=True)
class Line:
    """One message within a request. Its LocatorID is its place in the request, from 1."""

    target: Target
    first: date
    last: date
    values: Mapping[str, int]


def lines(updates: Iterable[AriUpdate]) -> list[Line]:
    """The fewest messages that say the updates: neighbouring dates of equal values become one.

    A message holds a count, or the prices, or any number of lengths of stay and one closing flag (NOTES.md 3.3).
    """
    parts: dict[tuple[Target, tuple[str, ...]], list[Line]] = {}
    for update in updates:
        for values in _portions(update.values):
            known = parts.setdefault((update.target, tuple(values)), [])
            known.append(Line(update.target, update.first, update.last, values))
    merged = [line for portion in parts.values() for line in _merged(portion)]
    return _with_a_flag_each(merged)


def _portions(values: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """What may stand in one message, but for a flag beside lengths of stay."""
    whole = {field: value for field, value in values.items() if field not in _FLAGS and field not in _NIGHTS}
    nights = {field: values[field] for field in _NIGHTS if field in values}
    yield from (portion for portion in (whole, nights) if portion)
    for field in _FLAGS:
        if field in values:
            yield {field: values[field]}


def _merged(portion: list[Line]) -> list[Line]:
    ordered = sorted(portion, key=lambda line: line.first)
    found: list[Line] = []
    first, before = ordered[0].first, ordered[0]
    for line in ordered[1:]:
        if before.values != line.values or before.last + DAY != line.first:
            found.append(Line(line.target, first, before.last, before.values))
            first = line.first
        before = line
    return [*found, Line(before.target, first, before.last, before.values)]


def _with_a_flag_each(merged: Iterable[Line]) -> list[Line]:
    """Lengths of stay and a flag of the same dates travel in one message."""
    found: list[Line] = []
    free: dict[tuple[Target, date, date], int] = {}
    for line in merged:
        place = free.pop((line.target, line.first, line.last), None) if _flagged(line) else None
        if place is None:
            if not _flagged(line) and any(field in _NIGHTS for field in line.values):
                free[line.target, line.first, line.last] = len(found)
            found.append(line)
        else:
            found[place] = replace(line, values={**found[place].values, **line.values})
    return found


def _flagged(line: Line) -> bool:
    return any(field in _FLAGS for field in line.values)


def plan(prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
    """The fewest requests: availability and restrictions of any dates together, rates month by month.

    What closes goes first, then prices, then what opens, so that nothing is sold at an old price in between.
    """
    check_settings(prop)
    availability, prices = _split_by_call(prop, updates)
    closing: list[Push] = []
    opening: list[Push] = []
    for chunk in _chunks(sorted(availability, key=lambda update: not update.closes)):
        push = Push(AVAIL_NOTIF, chunk, availability_body(prop, chunk), ("availability",))
        (closing if push.closes else opening).append(push)
    rates = [
        Push(RATE_NOTIF, chunk, rate_body(prop, chunk), ("rates",))
        for month in _by_month(prices)
        for chunk in _chunks(month)
    ]
    return [*closing, *rates, *opening]


def check_settings(prop: PropertyRef) -> None:
    model = str(prop.settings.get("pricing_model", "obp"))
    if model not in ("obp", "standard"):
        raise NeedsSetup(f"Booking.com's pricing model {model!r} is not supported: use obp or standard", vendor=VENDOR)


def _split_by_call(prop: PropertyRef, updates: Iterable[AriUpdate]) -> tuple[list[AriUpdate], list[AriUpdate]]:
    availability: list[AriUpdate] = []
    prices: list[AriUpdate] = []
    for update in updates:
        if (update.target.rate is None) != (AVAILABILITY in update.values):
            raise NeedsSetup("rooms to sell are counted for a room, never for a rate", vendor=VENDOR)
        priced = {field: value for field, value in update.values.items() if field.startswith("price_")}
        others = {field: value for field, value in update.values.items() if field not in priced}
        if others:
            availability.append(replace(update, values=others))
        if priced:
            if update.currency != prop.currency:
                raise NeedsSetup(
                    f"prices in {update.currency}, but the property at Booking.com is set to {prop.currency}",
                    vendor=VENDOR,
                    vendor_code="CURRENCY_CODE_DONT_MATCH_HOTEL_CURRENCY",
                )
            prices.append(replace(update, values=priced))
    return availability, prices


def split_by_month(update: AriUpdate) -> list[AriUpdate]:
    """The same update in parts that each lie within one calendar month."""
    parts = []
    first = update.first
    while first <= update.last:
        last = min(update.last, _last_of_month(first))
        parts.append(replace(update, first=first, last=last))
        first = last + DAY
    return parts


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - DAY


def _by_month(updates: Iterable[AriUpdate]) -> list[list[AriUpdate]]:
    months: dict[tuple[int, int], list[AriUpdate]] = {}
    for update in updates:
        for part in split_by_month(update):
            months.setdefault((part.first.year, part.first.month), []).append(part)
    return list(months.values())


def _chunks(updates: Sequence[AriUpdate]) -> Iterator[tuple[AriUpdate, ...]]:
    """The updates in their order, as many at a time as fit into a request."""
    start = 0
    while start < len(updates):
        size = _fitting(updates[start:])
        yield tuple(updates[start : start + size])
        start += size


def _fitting(updates: Sequence[AriUpdate]) -> int:
    """How many of the first updates one request holds; one at least, since no update needs that many messages.

    An update needs LINES_AN_UPDATE messages at most, so the room that is left says how many more surely fit.
    """
    size = _surely_fitting(updates)
    while size < len(updates):
        more = (MESSAGES_A_REQUEST - len(lines(updates[:size]))) // LINES_AN_UPDATE
        if more <= MESSAGES_A_REQUEST // 50:
            break
        size = min(size + more, len(updates))
    return size


def _surely_fitting(updates: Sequence[AriUpdate]) -> int:
    """A quick count from below: what continues the message before it is free, all else takes a message of its own."""
    taken = 0
    latest: dict[tuple[Target, tuple[str, ...]], tuple[date, Mapping[str, int]]] = {}
    for index, update in enumerate(updates):
        for values in _portions(update.values):
            place = (update.target, tuple(values))
            if latest.get(place) != (update.first - DAY, values):
                taken += 1
            latest[place] = (update.last, values)
        if taken > MESSAGES_A_REQUEST:
            return max(index, 1)
    return len(updates)


def _request(root_name: str, version: str, prop: PropertyRef) -> etree._Element:
    # The TimeStamp is added when the request leaves: a plan knows no clock.
    root = ota_root(root_name)
    root.set("Target", str(prop.settings.get("target", "Production")))
    root.set("Version", version)
    return root


def _control(parent: etree._Element, line: Line) -> None:
    control = etree.SubElement(parent, etree.QName(OTA, "StatusApplicationControl"))
    control.set("Start", line.first.isoformat())
    control.set("End", line.last.isoformat())
    control.set("InvTypeCode", line.target.room)
    if line.target.rate is not None:
        control.set("RatePlanCode", line.target.rate)


def availability_body(prop: PropertyRef, updates: Sequence[AriUpdate]) -> bytes:
    root = _request(f"{AVAIL_NOTIF}RQ", "1.005", prop)
    messages = etree.SubElement(root, etree.QName(OTA, "AvailStatusMessages"), HotelCode=prop.id)
    for index, line in enumerate(lines(updates), 1):
        message = etree.SubElement(messages, etree.QName(OTA, "AvailStatusMessage"), LocatorID=str(index))
        if AVAILABILITY in line.values:
            message.set("BookingLimit", str(line.values[AVAILABILITY]))
        _control(message, line)
        _restrict(message, line)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _restrict(message: etree._Element, line: Line) -> None:
    nights = [field for field in _NIGHTS if field in line.values]
    if nights:
        stays = etree.SubElement(message, etree.QName(OTA, "LengthsOfStay"))
        for field in nights:
            length = etree.SubElement(stays, etree.QName(OTA, "LengthOfStay"), Time=str(line.values[field]))
            length.set("MinMaxMessageType", _NIGHTS[field])
    for field, word in _FLAGS.items():
        if field in line.values:
            status = "Close" if line.values[field] else "Open"
            etree.SubElement(message, etree.QName(OTA, "RestrictionStatus"), Status=status, Restriction=word)


def rate_body(prop: PropertyRef, updates: Sequence[AriUpdate]) -> bytes:
    root = _request(f"{RATE_NOTIF}RQ", "1.1", prop)
    messages = etree.SubElement(root, etree.QName(OTA, "RateAmountMessages"), HotelCode=prop.id)
    amount = "AmountBeforeTax" if prop.settings.get("amounts") == "before_tax" else "AmountAfterTax"
    for index, line in enumerate(lines(updates), 1):
        message = etree.SubElement(messages, etree.QName(OTA, "RateAmountMessage"), LocatorID=str(index))
        _control(message, line)
        rates = etree.SubElement(message, etree.QName(OTA, "Rates"))
        rate = etree.SubElement(rates, etree.QName(OTA, "Rate"))
        amounts = etree.SubElement(rate, etree.QName(OTA, "BaseByGuestAmts"))
        for guests, money in _amounts(prop, line):
            entry = etree.SubElement(amounts, etree.QName(OTA, "BaseByGuestAmt"))
            if guests is not None:
                entry.set("NumberOfGuests", str(guests))
            entry.set(amount, str(money))
            entry.set("DecimalPlaces", str(minor_digits(money.currency)))
            entry.set("CurrencyCode", money.currency)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _amounts(prop: PropertyRef, line: Line) -> list[tuple[int | None, Money]]:
    """The prices by number of guests; None is the price of the room, in the standard model."""
    prices = sorted(
        (guests, Money(value, prop.currency))
        for field, value in line.values.items()
        if (guests := price_occupancy(field)) is not None
    )
    if prop.settings.get("pricing_model", "obp") == "obp":
        return [(guests, money) for guests, money in prices]
    fullest = prices[-1]
    single = [price for price in prices[:-1] if price[0] == 1]
    if len(single) + 1 != len(prices):
        raise NeedsSetup(
            "a property with standard pricing at Booking.com takes one price and one for single use; "
            f"{len(prices)} were mapped for room {line.target.room}",
            vendor=VENDOR,
        )
    return [(None, fullest[1]), *((1, money) for _, money in single)]
