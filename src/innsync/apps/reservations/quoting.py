"""What a stay costs and whether the rules allow it, from the raw rows of the moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from innsync.apps.inventory.selectors import list_stock
from innsync.apps.rates.selectors import House, list_rate_rows
from innsync.apps.rates.services import UnknownProduct
from innsync.apps.reservations.refusals import StayNotSellable
from innsync.domain.begun import Passed, keep_passed, rows_after
from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import Offer, PropertyFacts, RateRow, StockRow, Unavailable, search
from innsync.domain.promoted import RoomOffer, promote
from innsync.domain.promotions import Promotion
from innsync.domain.restrictions import NOT_YET, Booked, ReasonCode
from innsync.domain.stay import StayDates

PLENTY = 9999
NO_NIGHT = Passed((), Occupancy(1))


@dataclass(frozen=True, slots=True)
class RoomRequest:
    """One room to be booked: what, for whom."""

    room_type_id: UUID
    rate_plan_id: UUID
    occupancy: Occupancy
    guest_name: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a room that was booked before brings to its new price."""

    booked: Booked = NOT_YET
    passed: Passed = NO_NIGHT


NEW = Kept()


def price_rooms(
    *,
    house: House,
    stay: StayDates,
    rooms: Sequence[RoomRequest],
    now: datetime,
    kept: Sequence[Kept] = (),
    promotions: Sequence[Promotion] = (),
) -> list[Offer]:
    """The offer for each room, in order. Stock is not asked here: taking the nights decides that.

    kept: for each room what it brings along when a booking is changed. promotions: those that may be given.
    Raises StayNotSellable with the rules that forbid it, UnknownProduct.
    """
    rates = list_rate_rows(property_id=house.id, first=stay.check_in, last=stay.check_out)
    return price_from(rates, house=house, stay=stay, rooms=rooms, now=now, kept=kept, promotions=promotions)


def price_from(
    rates: Sequence[RateRow],
    *,
    house: House,
    stay: StayDates,
    rooms: Sequence[RoomRequest],
    now: datetime,
    kept: Sequence[Kept] = (),
    promotions: Sequence[Promotion] = (),
) -> list[Offer]:
    """The same, from the rate rows of the nights and of the day of departure."""
    facts = _with_retired(house.facts) if kept else house.facts  # a stay that was sold goes on at its plan
    found: dict[tuple[int, Occupancy, Booked, int], Offer] = {}
    offers: list[RoomOffer] = []
    for index, room in enumerate(rooms):
        product = house.product(room.room_type_id, room.rate_plan_id)
        brought = kept[index] if kept else NEW
        if product is None or not (product.sold or brought.booked != NOT_YET):
            raise UnknownProduct(room_type=str(room.room_type_id), rate_plan=str(room.rate_plan_id))
        over = len(brought.passed.nightly_minor)
        asked = (product.slot, room.occupancy, brought.booked, over)
        if asked not in found:
            possible, refused = search(
                stay=stay,
                occupancies=[room.occupancy],
                facts=facts.alone(product.slot),
                stock=[StockRow(night, product.room_type_id, PLENTY) for night in stay.nights()],
                rates=rows_after(rates, stay, over, house.facts) if over else rates,
                today=house.today(now),
                sellable_days=house.sellable_days,
                taxes=house.taxes,
                fees=house.fees,
                booked=brought.booked,
            )
            if not possible:
                reasons = [reason for one in refused for reason in one.reasons if reason.code != ReasonCode.SOLD_OUT]
                raise StayNotSellable(room=index, reasons=[str(reason) for reason in reasons])
            found[asked] = possible[0]
        offer, passed = found[asked], brought.passed
        if over:
            offer = keep_passed(offer, passed, room.occupancy, house.taxes, house.fees)
        # Nights that are over keep the cuts that they have; one that had none of a promotion's had nothing taken off.
        given = (*passed.cuts_minor, *(0,) * (over - len(passed.cuts_minor)))
        offers.append(RoomOffer(offer, room.occupancy, (passed.guests,) * over, given))
    return promote(offers, promotions=promotions, today=house.today(now), taxes=house.taxes, fees=house.fees)


def _with_retired(facts: PropertyFacts) -> PropertyFacts:
    """As if what is retired were sold still."""
    if all(one.sold for one in facts.products):
        return facts
    return PropertyFacts(facts.room_types, tuple(replace(one, sold=True) for one in facts.products))


def charges_of(offers: Sequence[Offer]) -> list[dict[str, Any]]:
    """Taxes and fees of all rooms, one line a rule, as they are kept with the booking."""
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for offer in offers:
        for kind, charged in (("tax", offer.taxes), ("fee", offer.fees)):
            for rule, minor in charged:
                line = lines.setdefault(
                    (kind, rule.code),
                    {"kind": kind, "code": rule.code, "name": rule.name, "minor": 0, "included": rule.included},
                )
                line["minor"] += minor
    return list(lines.values())


def quote_room(
    *,
    house: House,
    room_type_id: UUID,
    stay: StayDates,
    occupancy: Occupancy,
    now: datetime,
    promotions: Sequence[Promotion] = (),
) -> tuple[list[Offer], list[Unavailable]]:
    """Every rate plan at which one room of the type can be booked now, cheapest first, and why the others can't."""
    offers, refused = search(
        stay=stay,
        occupancies=[occupancy],
        facts=house.facts,
        stock=list_stock(property_id=house.id, first=stay.check_in, last=stay.last_night, room_type_ids=[room_type_id]),
        rates=list_rate_rows(property_id=house.id, first=stay.check_in, last=stay.check_out),
        today=house.today(now),
        sellable_days=house.sellable_days,
        taxes=house.taxes,
        fees=house.fees,
        promotions=promotions,
    )
    return (
        [one for one in offers if one.room_type.id == room_type_id],
        [one for one in refused if one.room_type.id == room_type_id],
    )
