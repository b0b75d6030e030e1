"""Changing a booking: all of it or nothing, with the price of today."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.guests import services as guests
from innsync.apps.inventory.services import StockChange, change_stock, lock_types, record_stock
from innsync.apps.rates.promotions import count_uses
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.reservations import records
from innsync.apps.reservations.quoting import NEW, Kept, RoomRequest, charges_of, price_rooms
from innsync.apps.reservations.refusals import NotChangeable, PriceChanged, StayNotSellable
from innsync.apps.reservations.services.book import describe, stay_of
from innsync.apps.reservations.services.telling import tell
from innsync.apps.reservations.terms import (
    agreed_promotions,
    agreed_terms,
    keep_promotion,
    plan_taken_on,
    strictest,
    take_plan,
)
from innsync.domain.begun import Passed
from innsync.domain.booking_state import HOLDS_STOCK, BookingStatus
from innsync.domain.channel import GuestDetails
from innsync.domain.money import Money
from innsync.domain.occupancy import Occupancy
from innsync.domain.promotions import Promotion
from innsync.domain.restrictions import Booked, Reason, ReasonCode
from innsync.domain.stay import StayDates
from innsync.domain.wording import told

CHANGEABLE = {BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN}
Touched = tuple[UUID, date, date]


def modify(
    *,
    house: House,
    booking_id: UUID,
    now: datetime,
    actor: str,
    expected_version: int | None = None,
    locked: records.Record | None = None,
    stay: StayDates | None = None,
    rooms: Sequence[RoomRequest] | None = None,
    guest: GuestDetails | None = None,
    special_requests: str | None = None,
    external_id: str | None = None,
    expected_total: Money | None = None,
) -> records.Record:
    """Change dates, rooms, guest or requests; what is None stays. Dates or rooms are priced anew.

    A stay that has begun may be changed too, but for the check-in of who has come: nights that are over keep what they
    cost, and a room can be neither added nor taken away. A rate plan that is kept may be sold so long before arrival, or
    so shortly, as the day was on which it was taken, and keeps the terms agreed; another brings its own.

    locked: the booking itself, where it was loaded and locked in this transaction.
    Raises UnknownBooking, StaleVersion, NotChangeable (cancelled, or owned by a channel), SoldOut, StayNotSellable,
    PriceChanged; then nothing has changed. What it was reduced by stays, as it was agreed, while the conditions hold.
    """
    record = locked or records.load(booking_id=booking_id, lock=True, expected_version=expected_version)
    if record.status not in CHANGEABLE or record.channel != "direct":
        raise NotChangeable(status=record.status if record.channel == "direct" else record.channel, action="modify")
    before, had = records.snapshot(record), record.promotions
    touched: list[Touched] = []
    if stay is not None or rooms is not None:
        change = StockChange()
        _reprice(house, record, stay, rooms, now, expected_total, change)
        count_uses(more=record.promotions, fewer=had)
        touched = exchange(house.id, change, house.today(now))
    if guest is not None:
        record.guest_id = guests.follow(
            organization_id=house.organization_id, guest_id=record.guest_id, details=guest, now=now
        )
        record.guest_name, record.guest_email, record.guest_phone = guest.name, guest.email, guest.phone
    if special_requests is not None:
        record.special_requests = special_requests
    if external_id is not None:
        record.external_id = external_id
    record.updated_at = now
    records.update(record, before=before, actor=actor, action="modified")
    tell(record, now=now, touched=touched, cause=told(f"change of booking {record.code}"))
    return record


def _reprice(
    house: House,
    record: records.Record,
    stay: StayDates | None,
    rooms: Sequence[RoomRequest] | None,
    now: datetime,
    expected_total: Money | None,
    change: StockChange,
) -> None:
    stay = stay or StayDates(record.check_in, record.check_out)
    if rooms is None:
        rooms = [
            RoomRequest(
                one.room_type_id,
                one.rate_plan_id,  # type: ignore[arg-type]  # a direct booking always has one
                Occupancy(one.adults, tuple(one.child_ages)),
                one.guest_name,
            )
            for one in record.stays
        ]
    today = house.today(now)
    _refuse_rewriting_the_past(record, stay, rooms, today)
    matched = _match(rooms, record.stays)
    kept = [_kept(house, record, room, old, stay, today) for room, old in zip(rooms, matched, strict=True)]
    offers = price_rooms(
        house=house, stay=stay, rooms=rooms, now=now, kept=kept, promotions=_promotions(house, record, stay, today)
    )
    total = Money(sum(offer.total_minor for offer in offers), house.currency)
    if expected_total is not None and expected_total != total:
        raise PriceChanged(expected=expected_total, total=total, offer=[describe(offer) for offer in offers])
    for one in record.stays:
        if one.holds_stock:
            change.free(one.room_type_id, StayDates(one.check_in, one.check_out))
    record.stays = [
        stay_of(house, *sold, stay, index, today) for index, sold in enumerate(zip(rooms, offers, strict=True))
    ]
    for one, offer, old in zip(record.stays, offers, matched, strict=True):
        if old is None or one.rate_plan_id != old.rate_plan_id:
            take_plan(one, today)
        else:
            one.terms = agreed_terms(record, old)
            keep_promotion(one, offer, today)
        if old is None:
            continue
        one.id = old.id
        if one.room_type_id == old.room_type_id and (one.check_in, one.check_out) == (old.check_in, old.check_out):
            one.keep_rooms_of(old)
    for one in record.stays:
        change.sell(one.room_type_id, stay)
    record.terms = strictest(house, record.stays)
    record.check_in, record.check_out = stay.check_in, stay.check_out
    record.total_minor = total.minor
    record.charges = charges_of(offers)


def _promotions(house: House, record: records.Record, stay: StayDates, today: date) -> list[Promotion]:
    """What the booking has, as it was agreed, and what anybody has who books today; nobody books a stay that has begun."""
    kept = agreed_promotions(record)
    if stay.check_in < today:
        return kept
    agreed = {one.id for one in kept}
    return [*kept, *(one for one in house.promotions_for() if one.id not in agreed)]


def _refuse_rewriting_the_past(
    record: records.Record, stay: StayDates, rooms: Sequence[RoomRequest], today: date
) -> None:
    """Nights that are over were slept: they can't be given back, neither with a room nor by an earlier departure."""
    if stay.check_out < min(today, record.check_out):
        raise StayNotSellable(room=0, reasons=[str(Reason(ReasonCode.IN_THE_PAST, day=stay.check_out))])
    arrives_later = stay.check_in != record.check_in  # which one who has not come yet may
    if arrives_later and record.status == BookingStatus.CHECKED_IN:
        raise NotChangeable(status=record.status, action="changing when the guest came")
    if record.check_in < today and not arrives_later and len(rooms) < len(record.stays):
        raise NotChangeable(status=record.status, action="taking back nights that are over")


def exchange(property_id: UUID, change: StockChange, today: date) -> list[Touched]:
    """Give and take the nights. None that is over is sold any more: it counts with its stay, and is never refused.

    Raises SoldOut for the others. Answers the (room type, first, last) of those whose count to sell changes: of what is
    over only what is given back, which may settle a conflict; that nights were full that are over is none.
    """
    over = StockChange({night: rooms for night, rooms in change.sold.items() if night[1] < today})
    ahead = StockChange({night: rooms for night, rooms in change.sold.items() if night[1] >= today}, change.held)
    if over.net():
        with sql() as cursor:  # all at once: either part's own locks might come in another order
            lock_types(cursor, (line[0] for line in change.net()))
    change_stock(property_id=property_id, change=ahead)
    record_stock(property_id=property_id, change=over)
    freed = StockChange({night: rooms for night, rooms in over.sold.items() if rooms < 0})
    return [*freed.touched(), *ahead.touched()]


_Alike = Callable[[RoomRequest, records.Stay], bool]
# How a room asked for is known to be one of those booked: the more alike, the sooner.
_ALIKE: tuple[_Alike, ...] = (
    lambda room, stay: _sold_as(room, stay) and _guests(stay) == room.occupancy and stay.guest_name == room.guest_name,
    lambda room, stay: _sold_as(room, stay) and _guests(stay) == room.occupancy,
    lambda room, stay: _sold_as(room, stay),
    lambda room, stay: stay.rate_plan_id == room.rate_plan_id,
    lambda room, stay: stay.room_type_id == room.room_type_id,
    lambda room, stay: True,
)


def _sold_as(room: RoomRequest, stay: records.Stay) -> bool:
    return (stay.room_type_id, stay.rate_plan_id) == (room.room_type_id, room.rate_plan_id)


def _guests(stay: records.Stay) -> Occupancy:
    return Occupancy(stay.adults, tuple(stay.child_ages))


def _match(rooms: Sequence[RoomRequest], stays: Sequence[records.Stay]) -> list[records.Stay | None]:
    """For each room the booked stay that it continues; None for one that is added."""
    left = list(stays)
    found: list[records.Stay | None] = [None] * len(rooms)
    for alike in _ALIKE:
        for index, room in enumerate(rooms):
            if found[index] is None and (stay := next((one for one in left if alike(room, one)), None)) is not None:
                found[index] = stay
                left.remove(stay)
    return found


def _kept(
    house: House, record: records.Record, room: RoomRequest, old: records.Stay | None, stay: StayDates, today: date
) -> Kept:
    if old is None:
        return NEW
    on = plan_taken_on(house, record, old) if old.rate_plan_id == room.rate_plan_id else None
    if stay.check_in >= today or stay.check_in != old.check_in:
        return Kept(Booked(on))
    over = min((today - stay.check_in).days, len(stay))
    return Kept(
        Booked(on, begun=True), Passed(tuple(old.nightly_minor[:over]), _guests(old), tuple(old.cuts_minor[:over]))
    )


def move_room_stay(
    *, organization_id: UUID, booking_id: UUID, room_stay_id: UUID, room_type_id: UUID, now: datetime, actor: str
) -> records.Record:
    """Move one room of any booking to another type at the price agreed: an upgrade, or the way out of an oversale.

    The nights that are over are counted along with it, whether or not the type had a room left then.
    It stands against the channel's later messages for as long as the channel does not sell another room.
    Raises UnknownBooking, NotChangeable, SoldOut.
    """
    record = records.load(booking_id=booking_id, lock=True)
    stay = next((one for one in record.stays if one.id == room_stay_id), None)
    if stay is None or BookingStatus(record.status) not in HOLDS_STOCK:
        raise NotChangeable(status=record.status, action="move")
    before = records.snapshot(record)
    nights = StayDates(stay.check_in, stay.check_out)
    change = StockChange()
    change.free(stay.room_type_id, nights)
    change.sell(room_type_id, nights)
    house = get_house(organization_id=organization_id, key=record.property_id)
    touched = exchange(record.property_id, change, house.today(now))
    if record.channel == "direct":
        stay.room_type_id = room_type_id
        stay.leave_rooms()
    else:
        stay.hold_in(room_type_id)
    record.updated_at = now
    records.update(record, before=before, actor=actor, action="moved")
    tell(record, now=now, touched=touched, cause=told(f"booking {record.code} moved to another room type"))
    return record
