"""Booking, reading, changing and cancelling."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, Path, Query, Router, Schema
from pydantic import Field, WithJsonSchema

from innsync.api import schemas, shapes
from innsync.api.answers import Answer, give
from innsync.api.availability import given
from innsync.api.fields import JSON_WHOLE, Day, Key, Line, MoneyIn, Strict, Text
from innsync.api.finding import (
    check_stay,
    find_house,
    find_plan_id,
    find_room_type,
    fits,
    read_ages,
    read_money,
    read_uuid,
)
from innsync.api.history import history as told
from innsync.api.once import once
from innsync.api.problems import invalid
from innsync.api.security import caller_of, needs
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.tenancy import swiftly, tenant
from innsync.apps.automation.extras import Booked, choose, follow, order_extras
from innsync.apps.distribution.sync_status import ask_sync_of_new
from innsync.apps.inventory.services import refusals_told
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.refusals import StaleVersion, UnknownBooking
from innsync.domain.card_data import scrub_phone, scrub_text
from innsync.domain.channel import GuestDetails
from innsync.domain.extras import MOST_PIECES, MOST_WISHES, Taken, Wish
from innsync.domain.occupancy import OLDEST_CHILD, Occupancy
from innsync.domain.stay import StayDates

router = Router(tags=["Bookings"])
BookingId = Annotated[str, WithJsonSchema(schemas.UUID_KEY), Path(description="The booking's id.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Repeating the request with the same key answers the first answer again.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=200, description="The booking's ETag; 412 when it was changed meanwhile."),
]
MOST_ROOMS = 30


class RoomIn(Strict):
    """One room. Either the id or the code of its room type, and of the rate plan; a code may stand in place of the id.

    children: how many; child_ages: how old at check-in, 0 to 17. Ages that are not given count as 17.
    """

    room_type_id: Key | None = None
    room_type_code: Key | None = None
    rate_plan_id: Key | None = None
    rate_plan_code: Key | None = None
    adults: Annotated[int, Field(ge=1, le=30), JSON_WHOLE]
    children: Annotated[int, Field(ge=0, le=30), JSON_WHOLE] | None = None
    child_ages: (
        Annotated[list[Annotated[int, Field(ge=0, le=OLDEST_CHILD), JSON_WHOLE]], Field(max_length=30)] | None
    ) = None
    guest_name: Annotated[Line, Field(max_length=200)] = ""


class GuestIn(Strict):
    name: Annotated[Line, Field(min_length=1, max_length=200)]
    email: Annotated[str, Field(max_length=254, pattern=r"^([^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+)?$")] = ""
    phone: Annotated[str, Field(max_length=40, pattern=r"^[0-9+()./ ext-]*$")] = ""
    country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$", description="ISO 3166-1 alpha-2.")] = ""
    language: Annotated[str, Field(pattern=r"^([a-z]{2,3}(-[A-Za-z]{2,4})?)?$", description="ISO 639-1.")] = ""


class ExtraIn(Strict):
    """An extra by its code. quantity: pieces of what is sold by the piece; of everything else 1, for all rooms and guests."""

    code: Key
    quantity: Annotated[int, Field(ge=1, le=MOST_PIECES), JSON_WHOLE] = 1


class BookingIn(Strict):
    """expected_total: the price that the guest was shown; another price of the moment is refused. It is the stay's own:
    what extras add is told beside it, and expected_extras_total asks for that.

    promo: a code of a promotion; one that the hotel does not know, or that is for none of these rooms, is refused. What is
    for everybody needs no code, and the best is given.
    """

    hotel_id: Key
    check_in: Day
    check_out: Day
    rooms: Annotated[list[RoomIn], Field(min_length=1, max_length=MOST_ROOMS)]
    guest: GuestIn
    special_requests: Annotated[Text, Field(max_length=4000)] | None = None
    external_id: Annotated[Line, Field(max_length=200)] | None = None
    hold_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, max_length=40)] | None = None
    expected_total: MoneyIn | None = None
    promo: Annotated[Line, Field(max_length=40)] | None = None
    extras: Annotated[list[ExtraIn], Field(max_length=MOST_WISHES)] | None = None
    expected_extras_total: MoneyIn | None = None


class ChangeIn(Strict):
    """What is left out or null stays as it is. New dates or rooms are priced anew, with the promotion that was given while its
    conditions hold. Extras that are not done yet are counted anew for them, at the prices agreed.
    """

    hotel_id: Key | None = None
    check_in: Day | None = None
    check_out: Day | None = None
    rooms: Annotated[list[RoomIn], Field(min_length=1, max_length=MOST_ROOMS)] | None = None
    guest: GuestIn | None = None
    special_requests: Annotated[Text, Field(max_length=4000)] | None = None
    external_id: Annotated[Line, Field(max_length=200)] | None = None
    expected_total: MoneyIn | None = None


class ReadQuery(Schema):
    include: Annotated[str, Field(pattern=r"^(history)?$")] = Field("", description="`history`: every state it was in.")


@router.post(
    "/bookings",
    response={201: schemas.BookingOut},
    auth=needs(Scope.BOOKINGS_MAKE),
    operation_id="create_booking",
    summary="Book",
)
def create_booking(request: HttpRequest, body: BookingIn, idempotency_key: IdempotencyKey = None) -> HttpResponse:
    caller, now = caller_of(request), datetime.now(UTC)

    def work(house: House) -> Answer:
        stay = check_stay(house, body.check_in, body.check_out, now)
        given(house, stay, body.promo, now)
        total, rooms = body.expected_total, read_rooms(house, body.rooms)
        taken = _choose(house, stay, rooms, body)
        sync = ask_sync_of_new(
            property_id=house.id,
            room_type_ids=[room.room_type_id for room in rooms],
            first=stay.check_in,
            last=stay.last_night,
        )
        record = reservations.book(
            house=house,
            stay=stay,
            rooms=rooms,
            guest=_guest(body.guest),
            now=now,
            actor=f"api:{caller.name}",
            hold_id=_hold_id(body.hold_id),
            expected_total=read_money(total.amount, total.currency, house, "/expected_total") if total else None,
            external_id=scrub_text(body.external_id or ""),
            special_requests=scrub_text(body.special_requests or ""),
            promo=body.promo or "",
        )
        extras = order_extras(house=house, record=record, taken=taken, now=now, actor=f"api:{caller.name}")
        # Which channels a hotel sells on is no matter of whoever opens its website.
        return _created(house, record, {} if caller.publishable else sync(), extras)

    return once(request, caller, body.hotel_id, work, now=now)


@router.get(
    "/bookings/{booking_id}",
    response=schemas.BookingOut,
    auth=needs(Scope.BOOKINGS_READ),
    operation_id="get_booking",
    summary="One booking",
)
def get_booking(request: HttpRequest, booking_id: BookingId, asked: Query[ReadQuery]) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        house, record = _find(caller, booking_id)
        return give(_shown(house, record, history=asked.include == "history"))


@router.put(
    "/bookings/{booking_id}",
    response=schemas.BookingOut,
    auth=needs(Scope.BOOKINGS_WRITE),
    operation_id="change_booking",
    summary="Change dates, rooms, guest or requests: all of it or nothing",
)
def change_booking(
    request: HttpRequest, booking_id: BookingId, body: ChangeIn, if_match: IfMatch = None
) -> HttpResponse:
    caller, now = caller_of(request), datetime.now(UTC)
    with refusals_told(), swiftly(caller.organization_id):
        house, record = _find(caller, booking_id, lock=True)
        if body.hotel_id is not None and find_house(caller, body.hotel_id, "/hotel_id").id != house.id:
            raise invalid(("/hotel_id", "can't be changed: cancel and book at the other hotel"))
        total = body.expected_total
        record = reservations.modify(
            house=house,
            booking_id=record.id,
            now=now,
            actor=f"api:{caller.name}",
            locked=_expected(record, if_match),
            stay=_new_stay(house, record, body, now),
            rooms=None if body.rooms is None else read_rooms(house, body.rooms),
            guest=None if body.guest is None else _guest(body.guest),
            special_requests=None if body.special_requests is None else scrub_text(body.special_requests),
            external_id=None if body.external_id is None else scrub_text(body.external_id),
            expected_total=read_money(total.amount, total.currency, house, "/expected_total") if total else None,
        )
        if body.check_in is not None or body.check_out is not None or body.rooms is not None:
            follow(house=house, record=record, now=now, actor=f"api:{caller.name}")
        return give(_shown(house, record))


@router.delete(
    "/bookings/{booking_id}",
    response=schemas.BookingOut,
    auth=needs(Scope.BOOKINGS_WRITE),
    operation_id="cancel_booking",
    summary="Cancel by the policy; answers the fee and the refund due",
)
def cancel_booking(request: HttpRequest, booking_id: BookingId, if_match: IfMatch = None) -> HttpResponse:
    caller, now = caller_of(request), datetime.now(UTC)
    with refusals_told(), swiftly(caller.organization_id):
        house, record = _find(caller, booking_id, lock=True)
        record = reservations.cancel(
            house=house,
            booking_id=record.id,
            now=now,
            actor=f"api:{caller.name}",
            locked=_expected(record, if_match),
        )
        return give(_shown(house, record))


def read_rooms(house: House, rooms: Sequence[RoomIn]) -> list[reservations.RoomRequest]:
    """The rooms asked for. Raises a problem naming the room whose type, plan or guests are not possible here."""
    found = []
    for index, room in enumerate(rooms):
        pointer = f"/rooms/{index}"
        room_type = find_room_type(house, room.room_type_id, room.room_type_code, pointer)
        plan_id = find_plan_id(house, room.rate_plan_id, room.rate_plan_code, pointer)
        if house.product(room_type.id, plan_id) is None:  # type: ignore[arg-type]  # ids of a House are UUIDs
            raise invalid((f"{pointer}/rate_plan_id", "is not sold for this room type"))
        guests = Occupancy(room.adults, read_ages(room.children, room.child_ages, pointer))
        if not fits(room_type, guests):
            field = "adults" if guests.adults > room_type.max_adults else "children"
            raise invalid((f"{pointer}/{field}", f"are too many: this room holds {room_type.max_occupancy} guests"))
        found.append(
            reservations.RoomRequest(room_type.id, plan_id, guests, scrub_text(room.guest_name))  # type: ignore[arg-type]
        )
    return found


def _choose(house: House, stay: StayDates, rooms: Sequence[reservations.RoomRequest], body: BookingIn) -> list[Taken]:
    """What the booking's rate plans include, and what is asked for. Raises a problem naming the extra."""
    total = body.expected_extras_total
    return choose(
        house=house,
        stay=stay,
        rooms=rooms,
        wishes=[Wish(one.code, one.quantity) for one in body.extras or ()],
        expected_total=read_money(total.amount, total.currency, house, "/expected_extras_total") if total else None,
    )


def _guest(guest: GuestIn) -> GuestDetails:
    return GuestDetails(
        scrub_text(guest.name),
        scrub_text(guest.email),
        scrub_phone(guest.phone),
        guest.country,
        guest.language[:8],
    )


def _hold_id(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise invalid(("/hold_id", "must be the id of a hold")) from None


def _new_stay(house: House, record: records.Record, body: ChangeIn, now: datetime) -> StayDates | None:
    """The stay with its new dates; an unchanged arrival may lie in the past, as that of a guest in house does."""
    if body.check_in is None and body.check_out is None:
        return None
    check_in, check_out = body.check_in or record.check_in, body.check_out or record.check_out
    return check_stay(house, check_in, check_out, now, may_have_begun=check_in == record.check_in)


def _find(caller: Caller, booking_id: str, *, lock: bool = False) -> tuple[House, records.Record]:
    """The caller's booking and its hotel. Raises UnknownBooking, also for one that the key may not see.

    lock: what is left out of a change is taken from the booking, which must not move meanwhile.
    """
    record = records.load(booking_id=read_uuid(booking_id, "booking_id"), lock=lock)
    if not caller.may_see(record.property_id):
        raise UnknownBooking(booking_id=booking_id)
    return get_house(organization_id=caller.organization_id, key=record.property_id), record


def _expected(record: records.Record, if_match: str | None) -> records.Record:
    """The booking, if it is the version that the caller thinks it changes, or the caller does not say. Raises StaleVersion."""
    # Weak tags too: a proxy that compressed our answer may have weakened it.
    if if_match is None or if_match.strip() == "*" or f'"{record.version}"' in re.findall(r'"[^"]*"', if_match):
        return record
    raise StaleVersion(current=record.version)


def _created(house: House, record: records.Record, sync: dict[str, str], extras: Sequence[Booked]) -> Answer:
    headers = {"ETag": f'"{record.version}"', "Location": f"/api/booking-engine/bookings/{record.id}"}
    return Answer(201, shapes.booking(house, record, sync=sync, extras=extras), headers)


def _shown(house: House, record: records.Record, *, history: bool = False) -> Answer:
    body = shapes.booking(house, record)
    if history:
        body["history"] = told(house, record)
    return Answer(200, body, {"ETag": f'"{record.version}"'})
