"""Guests' bookings, and the messages that wait to be retrieved and confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from innsync.channels.expedia.simulator.calendar import fullest_price, plan_night, price, sell, why_not
from innsync.channels.expedia.simulator.model import (
    Booking,
    Hotel,
    Message,
    Picture,
    Plan,
    Room,
    State,
    cents,
    stay_nights,
)
from innsync.integrations.simulation.world import Refused, Stay

FIRST_BOOKING = 880_000_001
CHANGEABLE = {
    "check_in",
    "check_out",
    "room",
    "rate",
    "adults",
    "child_ages",
    "guest",
    "special_requests",
    "rebook",
    "new_first",
}
MULTI_ROOM, FREE_TEXT, PAYMENT = "3", "4", "5"
FALLBACK_S = {"fallback_same_day_s": 1_800.0, "fallback_next_day_s": 3_600.0, "fallback_later_s": 86_400.0}
"""After how long an unconfirmed booking is sent by e-mail: arriving on the day it is made, on the next, later."""


def book(state: State, hotel: Hotel, stay: Stay, now: datetime, *, force: bool, notify: bool) -> str:
    """One booking a room. Raises Refused when a code is unknown, or the stay is not sold and not forced."""
    room, plan, plan_id, source = product(hotel, stay.room, stay.rate)
    reason = why_not(hotel, room, plan, stay.check_in, stay.check_out, stay.adults, stay.rooms, hotel.local_day(now))
    if stay.check_out <= stay.check_in:
        raise Refused("check_out must be after check_in")
    if reason and not force:
        raise Refused(reason, 409)
    requests = [(FREE_TEXT, stay.special_requests)] if stay.special_requests else []
    references = []
    for index in range(stay.rooms):
        linked = [(MULTI_ROOM, f"Multi room booking, room {index + 1} of {stay.rooms}")] if stay.rooms > 1 else []
        picture = Picture(
            room_id=room.id,
            plan_id=plan_id,
            check_in=stay.check_in,
            check_out=stay.check_out,
            adults=stay.adults,
            child_ages=tuple(stay.child_ages),
            guest=dict(stay.guest),
            requests=[*linked, *requests],
            nightly=[],
            taxes=Decimal(0),
            card=stay.card,
        )
        references.append(_add(state, hotel, room, plan, picture, source, now, notify=notify).reference)
    return references[0]


def product(hotel: Hotel, room_code: str, rate: str) -> tuple[Room, Plan, str, str]:
    """The room, its plan, the plan id that a booking names, and its source.

    rate: the plan's code, or one of its two ids. Which of the two businesses a booking by code is: setting `collect`.
    """
    room = hotel.rooms.get(room_code)
    plan = room.plans.get(rate) or room.plan_by_id(rate) if room else None
    if room is None or plan is None:
        raise Refused(f"{hotel.code} sells no {room_code} at {rate}", 404)
    expedia_collects = hotel.settings.get("collect", "hotel") == "expedia" if rate == plan.code else rate == plan.twin
    brand = str(hotel.settings.get("brand", "Expedia"))
    return (room, plan, plan.twin, brand) if expedia_collects else (room, plan, plan.id, f"A-{brand}")


def _add(
    state: State, hotel: Hotel, room: Room, plan: Plan, picture: Picture, source: str, now: datetime, *, notify: bool
) -> Booking:
    reference = str(state.next("booking", FIRST_BOOKING))
    _set_price(hotel, room, plan, picture)
    booking = Booking(reference, hotel.code, room.code, plan.code, picture, source)
    state.bookings[reference] = booking
    sell(room, stay_nights(picture.check_in, picture.check_out), 1)
    _tell(state, booking, "Book", now, notify=notify)
    return booking


def _set_price(hotel: Hotel, room: Room, plan: Plan, picture: Picture) -> None:
    """The calendar's prices; net of the compensation when Expedia collects. A night without price costs nothing."""
    share = Decimal(100)
    if picture.plan_id == plan.twin:
        share -= Decimal(str(hotel.settings.get("compensation_percent", 18)))
    picture.nightly = []
    for night in stay_nights(picture.check_in, picture.check_out):
        row = plan_night(room, plan, night)
        amount = price(plan, row, picture.adults) or fullest_price(row) or Decimal(0)
        picture.nightly.append(cents(amount * share / 100))
    percent = Decimal(str(hotel.settings.get("tax_percent", 0)))
    picture.taxes = cents(sum(picture.nightly, Decimal(0)) * percent / 100)
    picture.requests = [item for item in picture.requests if item[0] != PAYMENT]
    paid = "Expedia collects payment" if picture.plan_id == plan.twin else "Hotel collects payment"
    picture.requests.append((PAYMENT, f"Payment instructions: {paid}."))


def _tell(state: State, booking: Booking, kind: str, now: datetime, *, notify: bool, inherited: str = "") -> None:
    """Queue a message. Its moment is later than that of the one before, as the vendor tells whole seconds only."""
    created = now.replace(microsecond=0)
    if booking.messages:
        created = max(created, booking.messages[-1].created + timedelta(seconds=1))
    picture = booking.picture
    snapshot = Picture(
        picture.room_id,
        picture.plan_id,
        picture.check_in,
        picture.check_out,
        picture.adults,
        tuple(picture.child_ages),
        dict(picture.guest),
        list(picture.requests),
        list(picture.nightly),
        picture.taxes,
        picture.card,
    )
    booking.messages.append(Message(kind, created, snapshot, lost=not notify, inherited=inherited))
    state.settle(booking)


def change(
    state: State, hotel: Hotel, booking: Booking, changes: Mapping[str, Any], now: datetime, *, notify: bool
) -> None:
    """The guest changes the booking. With `rebook` it goes on under a new id: cancelled here, booked there."""
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise Refused(f"nobody can change {', '.join(sorted(unknown))}")
    if booking.status == "cancelled":
        raise Refused("the booking is cancelled", 409)
    room, plan, picture = _changed(hotel, booking, changes)
    if changes.get("rebook"):
        _rebook(state, hotel, booking, (room, plan, picture), now, changes, notify=notify)
        return
    before = hotel.rooms[booking.room]
    sell(before, stay_nights(booking.picture.check_in, booking.picture.check_out), -1)
    sell(room, stay_nights(picture.check_in, picture.check_out), 1)
    _set_price(hotel, room, plan, picture)
    booking.room, booking.rate, booking.picture, booking.status = room.code, plan.code, picture, "modified"
    _tell(state, booking, "Modify", now, notify=notify)


def _changed(hotel: Hotel, booking: Booking, changes: Mapping[str, Any]) -> tuple[Room, Plan, Picture]:
    old = booking.picture
    rate = changes.get("rate")
    if rate is None:
        # Whoever collected goes on collecting.
        rate = booking.rate if "room" in changes else old.plan_id
    room, plan, plan_id, _ = product(hotel, changes.get("room", booking.room), rate)
    check_in = _day(changes.get("check_in", old.check_in))
    check_out = _day(changes.get("check_out", old.check_out))
    if check_out <= check_in:
        raise Refused("check_out must be after check_in")
    requests = list(old.requests)
    if "special_requests" in changes:
        requests = [item for item in requests if item[0] != FREE_TEXT]
        if changes["special_requests"]:
            requests.append((FREE_TEXT, str(changes["special_requests"])))
    picture = Picture(
        room_id=room.id,
        plan_id=plan_id,
        check_in=check_in,
        check_out=check_out,
        adults=int(changes.get("adults", old.adults)),
        child_ages=tuple(changes.get("child_ages", old.child_ages)),
        guest={**old.guest, **changes.get("guest", {})},
        requests=requests,
        nightly=[],
        taxes=Decimal(0),
        card=old.card,
    )
    return room, plan, picture


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise Refused(f"{value} is no date") from error


def _rebook(
    state: State,
    hotel: Hotel,
    booking: Booking,
    product_now: tuple[Room, Plan, Picture],
    now: datetime,
    changes: Mapping[str, Any],
    *,
    notify: bool,
) -> None:
    """Cancel here and book anew under another id with the same confirmation number, the one or the other told first."""
    room, plan, picture = product_now
    picture.requests.append((FREE_TEXT, f"Rebooked by Expedia. Replaces booking {booking.reference}."))
    if changes.get("new_first"):
        new = _add(state, hotel, room, plan, picture, booking.source, now, notify=notify)
        cancel(state, hotel, booking, new.messages[0].created + timedelta(seconds=1), notify=notify)
    else:
        cancel(state, hotel, booking, now, notify=notify)
        later = booking.messages[-1].created + timedelta(seconds=1)
        new = _add(state, hotel, room, plan, picture, booking.source, later, notify=notify)
    new.messages[0].inherited = booking.confirmation


def cancel(state: State, hotel: Hotel, booking: Booking, now: datetime, *, notify: bool) -> None:
    """Cancelling twice is once. The room goes back on sale where it is not closed."""
    if booking.status == "cancelled":
        return
    booking.status = "cancelled"
    sell(hotel.rooms[booking.room], stay_nights(booking.picture.check_in, booking.picture.check_out), -1)
    _tell(state, booking, "Cancel", now, notify=notify)


def fallback(hotel: Hotel, message: Message, pace: Mapping[str, float]) -> timedelta:
    """How long a message waits for its confirmation before the hotel gets an e-mail instead."""
    ahead = (message.picture.check_in - hotel.local_day(message.created)).days
    name = list(FALLBACK_S)[min(max(ahead, 0), 2)]
    return timedelta(seconds=pace.get(name, FALLBACK_S[name]))


def expire(state: State, now: datetime, pace: Mapping[str, float]) -> None:
    """What nobody confirmed in time falls back to e-mail, and is not given out as pending any more."""
    for booking in list(state.waiting.values()):
        message = booking.current
        if message and now >= message.created + fallback(state.hotels[booking.hotel], message, pace):
            message.status = "expired"
            state.settle(booking)
