"""Availability, restrictions and rates as the vendor takes them: each message on its own, the valid ones applied."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from lxml import etree

from innsync.channels.booking_com.simulator.doors import reach
from innsync.channels.booking_com.simulator.state import Hotel, Rate, RateNight, Room, State
from innsync.channels.booking_com.simulator.wire import (
    OTA,
    Fault,
    Problem,
    allow,
    amount,
    day,
    elements,
    local,
    need,
    only,
    parse,
    places,
    schema_error,
    whole,
)

VENDOR_ZONE = ZoneInfo("Europe/Amsterdam")
HORIZON_DAYS = 5 * 366
MESSAGES_A_REQUEST = 1000
_LENGTHS = {
    "SetMinLOS": "min_through",
    "SetMaxLOS": "max_through",
    "SetForwardMinStay": "min_arrival",
    "SetForwardMaxStay": "max_arrival",
}
_OFFSETS = {"MinAdvancedBookingOffset": "least_ahead", "MaxAdvancedBookingOffset": "most_ahead"}
_OFFSET = re.compile(r"(?:(\d{1,3})D)?(?:(\d{1,4})H)?")
FARTHEST_AHEAD_H = 360 * 24
LEAST_PRICE, MOST_PRICE = 5, 50_000
_CLOSINGS = {"Master": "closed", "Arrival": "closed_to_arrival", "Departure": "closed_to_departure"}


def vendor_today(now: datetime) -> date:
    """The vendor's own day, by which it judges dates as past."""
    return now.astimezone(VENDOR_ZONE).date()


class Refusal(Exception):
    """One message of a request can't be applied."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


@dataclass(slots=True)
class Outcome:
    """What came of a request. `unauthorised`: errors that are refusals of access."""

    applied: int = 0
    unauthorised: int = 0
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def status(self) -> int:
        """200 as soon as one message was applied, else 403 or 400."""
        if self.applied or not self.errors:
            return 200
        return 403 if self.unauthorised == len(self.errors) else 400


@dataclass(slots=True)
class _Request:
    """One request while it is worked through. seen: what an earlier message of it has set, which stands."""

    state: State
    now: datetime
    hotel_code: str
    seen: set[tuple[str, str, str, date]] = field(default_factory=set)

    def target(self, control: etree._Element) -> tuple[Hotel, Room, str]:
        """The hotel and room of a message, and the id of its rate or nothing. Raises Refusal, Fault."""
        allow(control, "Start End InvTypeCode RatePlanCode", "")
        room_id = control.get("InvTypeCode")
        if not room_id:
            raise Refusal("ROOM_ID_MISSING", "Room ID is missing")
        hotel = self.state.hotel_of_room(room_id)
        if hotel is None or (self.hotel_code and self.hotel_code != hotel.id):
            raise Refusal("ROOM_ID_INVALID", f"Room ID '{room_id}' is not valid")
        reach(self.state, hotel.id)
        return hotel, hotel.rooms[room_id], control.get("RatePlanCode") or ""

    def rate(self, room: Room, rate_id: str) -> Rate:
        rate = room.rates.get(rate_id)
        if rate is None:
            raise Refusal("RATE_ID_INVALID", f"Rate ID '{rate_id}' is not valid for room ID '{room.id}'")
        if rate.read_only:
            raise Refusal("RATE_NOT_EDITABLE", f"Rate ID '{rate_id}' is derived from another rate")
        return rate

    def dates(self, control: etree._Element) -> list[date]:
        first, last = day(need(control, "Start")), day(need(control, "End"))
        today = vendor_today(self.now)
        if first > last:
            raise Refusal("FROM_DATE_SHOULD_BE_LESS_THAN_TO_DATE", "From date should be less than or equal To Date")
        for wrong in (first, last):
            if not today - timedelta(days=1) <= wrong <= today + timedelta(days=HORIZON_DAYS):
                raise Refusal("NOT_A_VALID_DATE", f"'{wrong}' is not a valid date")
        return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]

    def fresh(self, room: str, rate: str, what: str, dates: list[date]) -> list[date]:
        """The dates that no earlier message of this request has set already."""
        found = [night for night in dates if (room, rate, what, night) not in self.seen]
        self.seen.update((room, rate, what, night) for night in found)
        return found


def _run(
    request: _Request, messages: list[etree._Element], apply: Callable[[_Request, etree._Element], bool]
) -> Outcome:
    """Work through the messages; `apply` answers whether dates were given twice."""
    if len(messages) > MESSAGES_A_REQUEST:
        raise Fault(400, "TOO_MANY_UPDATES", f"At most {MESSAGES_A_REQUEST} messages a request")
    outcome = Outcome()
    for message in messages:
        locator = message.get("LocatorID") or ""
        try:
            doubled = apply(request, message)
        except Refusal as refusal:
            outcome.errors.append(Problem(refusal.code, refusal.words, locator))
        except Fault as fault:
            if fault.status != 403:
                raise
            outcome.unauthorised += 1
            outcome.errors.append(Problem(fault.code, fault.words, locator))
        else:
            outcome.applied += 1
            if doubled:
                outcome.warnings.append(
                    Problem(
                        "WARN_DUPLICATE_DATES",
                        "Request contains duplicate dates, we have applied only the first occurrence.",
                        locator,
                    )
                )
    return outcome


def _open(
    state: State, body: bytes, now: datetime, name: str, group: str, single: str
) -> tuple[_Request, list[etree._Element]]:
    root = parse(body)
    if root.tag != f"{{{OTA}}}{name}RQ":
        raise schema_error(f"the root must be {name}RQ of {OTA}")
    allow(root, "TimeStamp Target Version EchoToken PrimaryLangID", group)
    need(root, "TimeStamp")
    if root.get("Target") not in ("Production", "Test"):
        raise schema_error("Target must be Production or Test")
    messages = only(root, group)
    allow(messages, "HotelCode", single)
    found = elements(messages)
    if not found:
        raise Fault(400, "ROOM_ELEMENT_REQUIRED", "Room is missing")
    rooms = {control.get("InvTypeCode") or "" for control in root.iter(f"{{{OTA}}}StatusApplicationControl")}
    if len({hotel.id for room in rooms if (hotel := state.hotel_of_room(room)) is not None}) > 1:
        raise Fault(400, "SEVERAL_HOTELS", "All updates of a request must belong to one hotel")
    return _Request(state, now, messages.get("HotelCode") or ""), found


def availability(state: State, body: bytes, now: datetime) -> Outcome:
    """OTA_HotelAvailNotif v1.1. Raises Fault for a request that is wrong as a whole."""
    request, messages = _open(state, body, now, "OTA_HotelAvailNotif", "AvailStatusMessages", "AvailStatusMessage")
    for message in messages:
        _check_availability(message)
    return _run(request, messages, _apply_availability)


def _check_availability(message: etree._Element) -> None:
    allow(message, "BookingLimit LocatorID", "StatusApplicationControl LengthsOfStay RestrictionStatus")
    control = only(message, "StatusApplicationControl")
    for name in ("Start", "End"):
        day(need(control, name))
    said = [local(child) for child in elements(message)]
    if said.count("RestrictionStatus") > 1 or said.count("LengthsOfStay") > 1:
        raise schema_error("a message holds one RestrictionStatus and one LengthsOfStay at most")
    limit = message.get("BookingLimit")
    if limit is not None:
        whole(limit, 0, 9999)
    if limit is None and len(said) == 1:
        raise schema_error("a message without BookingLimit, LengthsOfStay or RestrictionStatus")
    for child in elements(message):
        if local(child) == "LengthsOfStay":
            allow(child, "", "LengthOfStay")
            for length in elements(child):
                allow(length, "Time TimeUnit MinMaxMessageType", "")
                whole(need(length, "Time"), 0, 999)
                if need(length, "MinMaxMessageType") not in _LENGTHS:
                    raise schema_error(f"MinMaxMessageType {length.get('MinMaxMessageType')} is not known")
        if local(child) == "RestrictionStatus":
            allow(child, "Status Restriction MinAdvancedBookingOffset MaxAdvancedBookingOffset", "")
            if child.get("Status") not in ("Open", "Close") or child.get("Restriction", "Master") not in _CLOSINGS:
                raise schema_error("RestrictionStatus needs Status Open or Close and a known Restriction")
            for name in _OFFSETS:
                if (written := child.get(name)) is not None:
                    _hours(written)


def _hours(written: str) -> int:
    """An offset such as 1D, 12H or 1D12H. Raises Fault."""
    match = _OFFSET.fullmatch(written)
    hours = int(match[1] or 0) * 24 + int(match[2] or 0) if match and written else -1
    if not 0 <= hours <= FARTHEST_AHEAD_H:
        raise schema_error(f"'{written}' is not an offset of at most 360 days, such as 1D12H")
    return hours


def _apply_availability(request: _Request, message: etree._Element) -> bool:
    control = only(message, "StatusApplicationControl")
    _, room, rate_id = request.target(control)
    dates = request.dates(control)
    limit = message.get("BookingLimit")
    if rate_id:
        if limit is not None:
            raise Refusal("BOOKING_LIMIT_PER_RATE", "BookingLimit is set for a room, never for a rate")
        return _restrict(request, message, room, request.rate(room, rate_id), dates)
    return _count_and_close(request, message, room, dates, limit)


def _count_and_close(
    request: _Request, message: etree._Element, room: Room, dates: list[date], limit: str | None
) -> bool:
    doubled = False
    for child in elements(message):
        if local(child) == "LengthsOfStay":
            raise Refusal("RATE_ID_MISSING", "Rate ID is needed for a length of stay")
        if local(child) == "RestrictionStatus":
            if child.get("Restriction", "Master") != "Master" or any(child.get(name) is not None for name in _OFFSETS):
                raise Refusal("RATE_ID_MISSING", "Rate ID is needed for this restriction")
            fresh = request.fresh(room.id, "", "closed", dates)
            doubled = doubled or len(fresh) < len(dates)
            (room.closed.update if child.get("Status") == "Close" else room.closed.difference_update)(fresh)
    if limit is not None:
        fresh = request.fresh(room.id, "", "limit", dates)
        doubled = doubled or len(fresh) < len(dates)
        room.to_sell.update(dict.fromkeys(fresh, int(limit)))
    return doubled


def _restrict(request: _Request, message: etree._Element, room: Room, rate: Rate, dates: list[date]) -> bool:
    doubled = False
    for what, value in _settings(message):
        fresh = request.fresh(room.id, rate.id, what, dates)
        doubled = doubled or len(fresh) < len(dates)
        for night in fresh:
            setattr(rate.open_night(night), what, value)
    return doubled


def _settings(message: etree._Element) -> Iterator[tuple[str, int | bool]]:
    for child in elements(message):
        if local(child) == "LengthsOfStay":
            for length in elements(child):
                yield _LENGTHS[length.get("MinMaxMessageType") or ""], int(length.get("Time") or 0)
        if local(child) == "RestrictionStatus":
            yield _CLOSINGS[child.get("Restriction", "Master")], child.get("Status") == "Close"
            for name, what in _OFFSETS.items():
                if (written := child.get(name)) is not None:
                    yield what, _hours(written)


def rates(state: State, body: bytes, now: datetime) -> Outcome:
    """OTA_HotelRateAmountNotif v1.1. Raises Fault for a request that is wrong as a whole."""
    request, messages = _open(state, body, now, "OTA_HotelRateAmountNotif", "RateAmountMessages", "RateAmountMessage")
    if not request.hotel_code:
        raise schema_error("attribute HotelCode is missing on RateAmountMessages")
    months = set()
    for message in messages:
        _check_rate(message)
        control = only(message, "StatusApplicationControl")
        months |= {(night.year, night.month) for night in (day(need(control, "Start")), day(need(control, "End")))}
    if len(months) > 1:
        raise Fault(400, "SEVERAL_MONTHS", "All updates of a request must lie within one calendar month")
    return _run(request, messages, _apply_rate)


def _amounts(message: etree._Element) -> list[etree._Element]:
    return elements(only(only(only(message, "Rates"), "Rate"), "BaseByGuestAmts"))


def _check_rate(message: etree._Element) -> None:
    allow(message, "LocatorID", "StatusApplicationControl Rates")
    allow(only(message, "Rates"), "", "Rate")
    allow(only(only(message, "Rates"), "Rate"), "", "BaseByGuestAmts")
    allow(only(only(only(message, "Rates"), "Rate"), "BaseByGuestAmts"), "", "BaseByGuestAmt")
    if not _amounts(message):
        raise schema_error("BaseByGuestAmts without an amount")
    for entry in _amounts(message):
        allow(entry, "NumberOfGuests AmountAfterTax AmountBeforeTax DecimalPlaces CurrencyCode", "")
        need(entry, "CurrencyCode")
        if (entry.get("AmountAfterTax") is None) == (entry.get("AmountBeforeTax") is None):
            raise schema_error("BaseByGuestAmt needs AmountAfterTax or AmountBeforeTax")
        _value(entry)
        if entry.get("NumberOfGuests") is not None:
            whole(need(entry, "NumberOfGuests"), 1, 99)


def _value(entry: etree._Element) -> Decimal:
    written = entry.get("AmountAfterTax") or entry.get("AmountBeforeTax") or ""
    return amount(written, entry.get("DecimalPlaces"))


def _apply_rate(request: _Request, message: etree._Element) -> bool:
    control = only(message, "StatusApplicationControl")
    hotel, room, rate_id = request.target(control)
    if not rate_id:
        raise Refusal("RATE_ID_MISSING", "Rate ID is missing")
    rate = request.rate(room, rate_id)
    dates = request.dates(control)
    prices = {_guests(hotel, rate, entry): _price(hotel, entry) for entry in _amounts(message)}
    fresh = request.fresh(room.id, rate.id, "prices", dates)
    for night in fresh:
        _write(hotel, rate.open_night(night), prices)
    return len(fresh) < len(dates)


def _write(hotel: Hotel, night: RateNight, prices: dict[int, Decimal]) -> None:
    night.prices = {**night.prices, **prices}


def _guests(hotel: Hotel, rate: Rate, entry: etree._Element) -> int:
    """The number of guests a price is for; in the standard model the price of the room is that of the fullest one."""
    given = entry.get("NumberOfGuests")
    if hotel.model == "los":
        raise Refusal("OBP_PRICING_PASSED_FOR_LOS_RATE", f"Rate ID '{rate.id}' is priced by length of stay")
    if hotel.model == "standard":
        if given not in (None, "1"):
            raise Refusal("OBP_PRICING_PASSED_FOR_STANDARD_RATE", f"Rate ID '{rate.id}' is not priced by occupancy")
        return 1 if given else rate.max_persons
    if given is None:
        raise Refusal("NUMBER_OF_GUESTS_MISSING", f"Rate ID '{rate.id}' needs a price for each occupancy")
    if int(given) > rate.max_persons:
        raise Refusal("OCCUPANCY_INVALID", f"Rate ID '{rate.id}' is for {rate.max_persons} guests at most")
    return int(given)


def _price(hotel: Hotel, entry: etree._Element) -> Decimal:
    if entry.get("CurrencyCode") != hotel.currency:
        raise Refusal(
            "CURRENCY_CODE_DONT_MATCH_HOTEL_CURRENCY",
            f"Currency code '{entry.get('CurrencyCode')}' does not match hotel currency '{hotel.currency}'",
        )
    price = _value(entry)
    if price != price.quantize(Decimal(1).scaleb(-places(hotel.currency))):
        raise Refusal("PRICE_INVALID", f"'{price}' has more decimal places than {hotel.currency}")
    if not LEAST_PRICE <= price <= MOST_PRICE:
        raise Refusal("PRICE_INVALID", f"'{price}' is not from {LEAST_PRICE} to {MOST_PRICE} {hotel.currency}")
    return price
