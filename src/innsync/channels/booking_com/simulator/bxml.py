"""The vendor's own XML: its calendar to be read back, and its rooms and rates."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from lxml import etree

from innsync.channels.booking_com.simulator.ari import HORIZON_DAYS, vendor_today
from innsync.channels.booking_com.simulator.doors import reach
from innsync.channels.booking_com.simulator.state import Hotel, Rate, RateNight, Room, State
from innsync.channels.booking_com.simulator.wire import (
    Fault,
    allow,
    day,
    elements,
    local,
    parse,
    places,
    schema_error,
    whole,
)

_READ_FIELDS = "hotel_id version number_of_days start_date room_level room_id"
_READ_DAYS = 31


def _fields(body: bytes, known: str) -> dict[str, str]:
    root = parse(body)
    if root.tag != "request":
        raise schema_error("the root must be request")
    allow(root, "", known)
    return {local(child): (child.text or "").strip() for child in elements(root)}


def room_rate_availability(state: State, body: bytes, now: datetime) -> str:
    """Raises Fault."""
    asked = _fields(body, _READ_FIELDS)
    if not asked.get("hotel_id"):
        raise Fault(400, "HOTEL_ID_MISSING", "hotel_id is missing")
    hotel = reach(state, asked["hotel_id"])
    today = vendor_today(now)
    first = day(asked["start_date"]) if "start_date" in asked else today + timedelta(days=1)
    if not today - timedelta(days=1) <= first <= today + timedelta(days=HORIZON_DAYS):
        raise Fault(400, "NOT_A_VALID_DATE", f"start_date '{first}' is not a valid date")
    days = whole(asked.get("number_of_days", str(_READ_DAYS)), 1, _READ_DAYS)
    room_level = whole(asked.get("room_level", "0"), 0, 1) == 1
    wanted = asked.get("room_id")
    if wanted and wanted not in hotel.rooms:
        raise Fault(400, "ROOM_ID_INVALID", f"Room ID '{wanted}' is not valid")
    result = etree.Element("result")
    for room in hotel.rooms.values():
        if wanted in (None, "", room.id):
            element = etree.SubElement(result, "room", room_id=room.id)
            for offset in range(days):
                _date(element, hotel, room, first + timedelta(days=offset), room_level=room_level)
    return etree.tostring(result, encoding="unicode")


def _date(parent: etree._Element, hotel: Hotel, room: Room, night: date, *, room_level: bool) -> None:
    element = etree.SubElement(
        parent,
        "date",
        value=night.isoformat(),
        booked=str(room.booked.get(night, 0)),
        cancelled=str(room.cancelled.get(night, 0)),
        min_contracted_rooms="0",
        min_contracted_rooms_until="0",
        rooms_to_sell=str(room.to_sell.get(night, 0)),
        closed=str(int(night in room.closed)),
    )
    if not room_level:
        for rate in room.rates.values():
            _rate_night(element, hotel, rate, rate.night(night))


def _rate_night(parent: etree._Element, hotel: Hotel, rate: Rate, night: RateNight) -> None:
    """`closed` is documented; lengths of stay, closed days and prices are this simulator's own extension."""
    element = etree.SubElement(
        parent,
        "rate",
        rate_id=rate.id,
        closed=str(int(night.closed)),
        closedonarrival=str(int(night.closed_to_arrival)),
        closedondeparture=str(int(night.closed_to_departure)),
        minimumstay=str(night.min_through),
        minimumstay_arrival=str(night.min_arrival),
        maximumstay=str(night.max_through),
        maximumstay_arrival=str(night.max_arrival),
        currencycode=hotel.currency,
    )
    for persons, price in sorted(night.prices.items()):
        entry = etree.SubElement(element, "price", persons=str(persons))
        entry.text = str(price.quantize(Decimal(1).scaleb(-places(hotel.currency))))


def room_rates(state: State, body: bytes) -> str:
    """Raises Fault."""
    asked = _fields(body, "hotel_id show_rates_status username password")
    hotels = (
        [reach(state, asked["hotel_id"])] if asked.get("hotel_id") else [h for h in state.hotels.values() if h.linked]
    )
    result = etree.Element("rooms")
    for hotel in hotels:
        for room in hotel.rooms.values():
            element = etree.SubElement(
                result,
                "room",
                id=room.id,
                hotel_id=hotel.id,
                hotel_name=hotel.name,
                max_children=str(room.max_children),
                room_name=room.name,
            )
            rates = etree.SubElement(element, "rates")
            for rate in room.rates.values():
                etree.SubElement(
                    rates,
                    "rate",
                    id=rate.id,
                    max_persons=str(rate.max_persons),
                    policy="General",
                    policy_id="1",
                    rate_name=rate.name,
                    is_child_rate=str(int(rate.read_only)),
                    readonly=str(int(rate.read_only)),
                )
    return etree.tostring(result, encoding="unicode")
