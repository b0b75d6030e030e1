"""Selling directly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import together
from innsync.apps.events import services as events
from innsync.apps.guests import services as guests
from innsync.apps.inventory.services import (
    SoldOut,
    StockChange,
    TypeNight,
    ask_short,
    change_stock,
    end_hold,
    refusals_told,
)
from innsync.apps.rates.promotions import count_uses
from innsync.apps.rates.selectors import House, ask_rate_rows
from innsync.apps.reservations import records
from innsync.apps.reservations.promoting import list_given, refuse_useless
from innsync.apps.reservations.quoting import RoomRequest, charges_of, price_from
from innsync.apps.reservations.refusals import PriceChanged
from innsync.apps.reservations.services.mails import confirms
from innsync.apps.reservations.terms import keep_promotion, strictest, terms_of
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
    promo: str = "",
) -> records.Record:
    """Sell rooms directly: take the nights, write the booking, queue what follows. All or nothing.

    All is asked first, unlocked and in one go; the rooms are locked last. In `swiftly` whoever is refused has locked and
    written nothing, and nobody waits for our thinking.
    promo: a promotion's code; those without one need none, and the best is given.
    Raises SoldOut naming every night without a room, StayNotSellable, PriceChanged, HoldGone, UnknownProduct;
    PromotionRefused for a code that takes nothing off, PromotionUsedUp where another took the last use at this moment.
    A sale that a channel reports is a fact and goes through apply_channel_revision, which never refuses.
    """
    today = house.today(now)
    promotions = list_given(house, stay, promo, today)
    change = StockChange()
    rates = ask_rate_rows(property_id=house.id, first=stay.check_in, last=stay.check_out)
    known = guests.ask(house.organization_id, guest)
    if hold_id is None:
        short = _ask_for(house, change, rooms, stay)
    offers = price_from(rates(), house=house, stay=stay, rooms=rooms, now=now, promotions=promotions)
    if promo:
        refuse_useless(house, promo, offers)
    total = Money(sum(offer.total_minor for offer in offers), house.currency)
    if expected_total is not None and expected_total != total:
        raise PriceChanged(expected=expected_total, total=total, offer=[describe(offer) for offer in offers])
    if hold_id is not None:
        change = end_hold(property_id=house.id, hold_id=hold_id, state="used", now=now)
        short = _ask_for(house, change, rooms, stay)
    if missing := short():
        raise SoldOut(nights=missing)
    count_uses(more={UUID(offer.promotion.id) for offer in offers if offer.promotion is not None})
    with refusals_told(), together():
        person = guests.keep(organization_id=house.organization_id, known=known(), details=guest, now=now)
        record = _record(house, stay, rooms, offers, guest, person, now, external_id, special_requests)
        change_stock(property_id=house.id, change=change)
        _write(house, record, change, actor)
    return record


def _ask_for(
    house: House, change: StockChange, rooms: Sequence[RoomRequest], stay: StayDates
) -> Callable[[], list[TypeNight]]:
    for room in rooms:
        change.sell(room.room_type_id, stay)
    return ask_short(property_id=house.id, change=change)


def _write(house: House, record: records.Record, change: StockChange, actor: str) -> None:
    records.insert(record, actor=actor, action="booked")
    events.record(
        organization_id=house.organization_id,
        property_id=house.id,
        type="booking.created",
        at=record.created_at,
        data={"booking_id": str(record.id), "code": record.code, "channel": record.channel},
        ari=change.touched(),
        cause=told(f"booking {record.code}"),
    )
    if record.guest_email and confirms(house):
        events.enqueue(
            organization_id=house.organization_id,
            property_id=house.id,
            topic="confirm_by_mail",
            payload={"booking_id": str(record.id)},
        )


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
    person: guests.Known,
    now: datetime,
    external_id: str,
    special_requests: str,
) -> records.Record:
    stays = [
        stay_of(house, *sold, stay, index, house.today(now))
        for index, sold in enumerate(zip(rooms, offers, strict=True))
    ]
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
        guest_id=person.id,
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
        tongue=(person.country, person.language),
    )


def stay_of(house: House, room: RoomRequest, offer: Offer, stay: StayDates, position: int, today: date) -> records.Stay:
    """The stored form of a priced room, on the terms that its rate plan has now."""
    made = records.Stay(
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
    keep_promotion(made, offer, today)
    return made
