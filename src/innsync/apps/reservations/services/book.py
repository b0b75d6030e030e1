"""Selling directly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.ids import new_id
from innsync.apps.events import services as events
from innsync.apps.guests import services as guests
from innsync.apps.inventory.services import StockChange, change_stock, end_hold
from innsync.apps.rates.selectors import House
from innsync.apps.reservations import records
from innsync.apps.reservations.quoting import RoomRequest, charges_of, price_rooms
from innsync.apps.reservations.refusals import PriceChanged
from innsync.apps.reservations.services.mails import confirms
from innsync.apps.reservations.terms import strictest, terms_of
from innsync.domain.booking_state import BookingStatus
from innsync.domain.channel import GuestDetails
from innsync.domain.money import Money
from innsync.domain.offers import Offer
from innsync.domain.stay import StayDates
from innsync.domain.wording import told


def book(
    *,
    house: House,
    stay: StayDates,
    rooms: Sequence[RoomRequest],
    guest: GuestDetails,
    now: datetime,
    actor: str,
    hold_id: UUID | None = None,
    expected_total: Money | None = None,
    external_id: str = "",
    special_requests: str = "",
) -> records.Record:
    """Sell rooms directly: take the nights, write the booking, queue what follows. All or nothing.

    Raises SoldOut naming every night without a room, StayNotSellable, PriceChanged, HoldGone, UnknownProduct.
    A sale that a channel reports is a fact and goes through apply_channel_revision, which never refuses.
    """
    offers = price_rooms(house=house, stay=stay, rooms=rooms, now=now)
    total = Money(sum(offer.total_minor for offer in offers), house.currency)
    if expected_total is not None and expected_total != total:
        raise PriceChanged(expected=expected_total, total=total, offer=[describe(offer) for offer in offers])
    change = StockChange()
    if hold_id is not None:
        change = end_hold(property_id=house.id, hold_id=hold_id, state="used", now=now)
    for room in rooms:
        change.sell(room.room_type_id, stay)
    change_stock(property_id=house.id, change=change)
    record = _record(house, stay, rooms, offers, guest, now, external_id, special_requests)
    records.insert(record, actor=actor, action="booked")
    events.record(
        organization_id=house.organization_id,
        property_id=house.id,
        type="booking.created",
        at=now,
        data={"booking_id": str(record.id), "code": record.code, "channel": record.channel},
        ari=change.touched(),
        cause=told(f"booking {record.code}"),
    )
    if guest.email and confirms(house):
        events.enqueue(
            organization_id=house.organization_id,
            property_id=house.id,
            topic="confirm_by_mail",
            payload={"booking_id": str(record.id)},
        )
    return record


def describe(offer: Offer) -> dict[str, Any]:
    """An offer as a refusal carries it."""
    return {
        "room_type_code": offer.room_type.code,
        "rate_plan_code": offer.product.rate_plan_code,
        "total": {"amount": str(offer.total), "currency": offer.currency},
        "nightly": [
            {"date": night.isoformat(), "amount": str(Money(minor, offer.currency))}
            for night, minor in zip(offer.stay.nights(), offer.nightly_minor, strict=True)
        ],
    }


def _record(
    house: House,
    stay: StayDates,
    rooms: Sequence[RoomRequest],
    offers: Sequence[Offer],
    guest: GuestDetails,
    now: datetime,
    external_id: str,
    special_requests: str,
) -> records.Record:
    stays = [stay_of(house, *sold, stay, index) for index, sold in enumerate(zip(rooms, offers, strict=True))]
    return records.Record(
        id=new_id(),
        organization_id=house.organization_id,
        property_id=house.id,
        code=records.new_code(),
        status=BookingStatus.CONFIRMED,
        channel="direct",
        source="",
        connection_id=None,
        channel_ref="",
        former_refs=[],
        channel_order="",
        details_order="",
        external_id=external_id,
        check_in=stay.check_in,
        check_out=stay.check_out,
        guest_id=guests.find_or_add(organization_id=house.organization_id, details=guest, now=now),
        guest_name=guest.name,
        guest_email=guest.email,
        guest_phone=guest.phone,
        currency=house.currency,
        total_minor=sum(offer.total_minor for offer in offers),
        charges=charges_of(offers),
        terms=strictest(house, stays),
        payment={},
        special_requests=special_requests,
        notes="",
        cancelled_at=None,
        cancellation_fee_minor=None,
        found_by="",
        created_at=now,
        updated_at=now,
        version=1,
        stays=stays,
    )


def stay_of(house: House, room: RoomRequest, offer: Offer, stay: StayDates, position: int) -> records.Stay:
    """The stored form of a priced room, on the terms that its rate plan has now."""
    return records.Stay(
        room_type_id=room.room_type_id,
        rate_plan_id=room.rate_plan_id,
        check_in=stay.check_in,
        check_out=stay.check_out,
        adults=room.occupancy.adults,
        child_ages=list(room.occupancy.child_ages),
        guest_name=room.guest_name,
        nightly_minor=list(offer.nightly_minor),
        total_minor=offer.total_minor,
        position=position,
        terms=terms_of(house.plans[room.rate_plan_id]),
    )
