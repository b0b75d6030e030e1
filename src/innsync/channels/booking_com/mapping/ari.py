"""Our updates as the vendor's availability and rate messages (NOTES.md 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
)
from innsync.domain.money import Money, minor_digits
from innsync.integrations.errors import NeedsSetup
from innsync.integrations.ports import PropertyRef, Push

AVAIL_NOTIF: Final = "OTA_HotelAvailNotif"
RATE_NOTIF: Final = "OTA_HotelRateAmountNotif"
MESSAGES_A_REQUEST: Final = 500  # NOTES.md 7.2

# NOTES.md 3.4: the stay-through words are documented, the arrival-based ones are not.
_LENGTHS: Final = (
    (MIN_STAY_THROUGH, "SetMinLOS"),
    (MIN_STAY_ARRIVAL, "SetForwardMinStay"),
    (MAX_STAY, "SetForwardMaxStay"),
)
_CLOSINGS: Final = ((STOP_SELL, "Master"), (CLOSED_TO_ARRIVAL, "Arrival"), (CLOSED_TO_DEPARTURE, "Departure"))


@dataclass(frozen=True, slots=True)
class Line:
    """One message within a request: the part of an update that it says. Its LocatorID is its place, from 1."""

    update: AriUpdate
    fields: tuple[str, ...]


def availability_lines(updates: Iterable[AriUpdate]) -> list[Line]:
    """The messages that an availability request needs: one an update, and one more for each further closing flag."""
    return [line for update in updates for line in _lines_of(update)]


def _lines_of(update: AriUpdate) -> Iterator[Line]:
    if update.target.rate is None:
        yield Line(update, (AVAILABILITY,))
        return
    lengths = tuple(field for field, _ in _LENGTHS if field in update.values)
    closings = [field for field, _ in _CLOSINGS if field in update.values]
    # A message holds any number of lengths of stay but one RestrictionStatus (NOTES.md 3.3).
    yield Line(update, (*lengths, *closings[:1]))
    for field in closings[1:]:
        yield Line(update, (field,))


def rate_lines(updates: Iterable[AriUpdate]) -> list[Line]:
    return [Line(update, tuple(update.values)) for update in updates]


def lines_of(operation: str, updates: Iterable[AriUpdate]) -> list[Line]:
    """The messages of a planned request again, to find what an answer speaks of."""
    return rate_lines(updates) if operation == RATE_NOTIF else availability_lines(updates)


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
        first = last + timedelta(days=1)
    return parts


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _by_month(updates: Iterable[AriUpdate]) -> list[list[AriUpdate]]:
    months: dict[tuple[int, int], list[AriUpdate]] = {}
    for update in updates:
        for part in split_by_month(update):
            months.setdefault((part.first.year, part.first.month), []).append(part)
    return list(months.values())


def _chunks(updates: Iterable[AriUpdate]) -> Iterator[tuple[AriUpdate, ...]]:
    chunk: list[AriUpdate] = []
    size = 0
    for update in updates:
        lines = 1 if any(field.startswith("price_") for field in update.values) else len(list(_lines_of(update)))
        if chunk and size + lines > MESSAGES_A_REQUEST:
            yield tuple(chunk)
            chunk, size = [], 0
        chunk.append(update)
        size += lines
    if chunk:
        yield tuple(chunk)


def _request(root_name: str, version: str, prop: PropertyRef) -> etree._Element:
    # The TimeStamp is added when the request leaves: a plan knows no clock.
    root = ota_root(root_name)
    root.set("Target", str(prop.settings.get("target", "Production")))
    root.set("Version", version)
    return root


def _control(parent: etree._Element, update: AriUpdate) -> None:
    control = etree.SubElement(parent, etree.QName(OTA, "StatusApplicationControl"))
    control.set("Start", update.first.isoformat())
    control.set("End", update.last.isoformat())
    control.set("InvTypeCode", update.target.room)
    if update.target.rate is not None:
        control.set("RatePlanCode", update.target.rate)


def availability_body(prop: PropertyRef, updates: Sequence[AriUpdate]) -> bytes:
    root = _request(f"{AVAIL_NOTIF}RQ", "1.005", prop)
    messages = etree.SubElement(root, etree.QName(OTA, "AvailStatusMessages"), HotelCode=prop.id)
    for index, line in enumerate(availability_lines(updates), 1):
        message = etree.SubElement(messages, etree.QName(OTA, "AvailStatusMessage"), LocatorID=str(index))
        if AVAILABILITY in line.fields:
            message.set("BookingLimit", str(line.update.values[AVAILABILITY]))
        _control(message, line.update)
        _restrict(message, line)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _restrict(message: etree._Element, line: Line) -> None:
    lengths = [(word, line.update.values[field]) for field, word in _LENGTHS if field in line.fields]
    if lengths:
        stays = etree.SubElement(message, etree.QName(OTA, "LengthsOfStay"))
        for word, nights in lengths:
            etree.SubElement(stays, etree.QName(OTA, "LengthOfStay"), Time=str(nights), MinMaxMessageType=word)
    for field, word in _CLOSINGS:
        if field in line.fields:
            status = "Close" if line.update.values[field] else "Open"
            etree.SubElement(message, etree.QName(OTA, "RestrictionStatus"), Status=status, Restriction=word)


def rate_body(prop: PropertyRef, updates: Sequence[AriUpdate]) -> bytes:
    root = _request(f"{RATE_NOTIF}RQ", "1.1", prop)
    messages = etree.SubElement(root, etree.QName(OTA, "RateAmountMessages"), HotelCode=prop.id)
    amount = "AmountBeforeTax" if prop.settings.get("amounts") == "before_tax" else "AmountAfterTax"
    for index, update in enumerate(updates, 1):
        message = etree.SubElement(messages, etree.QName(OTA, "RateAmountMessage"), LocatorID=str(index))
        _control(message, update)
        rates = etree.SubElement(message, etree.QName(OTA, "Rates"))
        rate = etree.SubElement(rates, etree.QName(OTA, "Rate"))
        amounts = etree.SubElement(rate, etree.QName(OTA, "BaseByGuestAmts"))
        for guests, money in _amounts(prop, update):
            entry = etree.SubElement(amounts, etree.QName(OTA, "BaseByGuestAmt"))
            if guests is not None:
                entry.set("NumberOfGuests", str(guests))
            entry.set(amount, str(money))
            entry.set("DecimalPlaces", str(minor_digits(money.currency)))
            entry.set("CurrencyCode", money.currency)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _amounts(prop: PropertyRef, update: AriUpdate) -> list[tuple[int | None, Money]]:
    """The prices by number of guests; None is the price of the room, in the standard model."""
    prices = list(update.prices)
    if prop.settings.get("pricing_model", "obp") == "obp":
        return [(guests, money) for guests, money in prices]
    fullest = prices[-1]
    single = [price for price in prices[:-1] if price[0] == 1]
    if len(single) + 1 != len(prices):
        raise NeedsSetup(
            "a property with standard pricing at Booking.com takes one price and one for single use; "
            f"{len(prices)} were mapped for room {update.target.room}",
            vendor=VENDOR,
        )
    return [(None, fullest[1]), *((1, money) for _, money in single)]
