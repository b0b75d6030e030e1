"""What promotions leave of the price of a booking's rooms, each of which was priced alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import Offer, without
from innsync.domain.promotions import Promotion, Room, best, holding
from innsync.domain.taxes import ChargePlan, FeeRule, TaxRule


class RoomOffer(NamedTuple):
    """An offer for one room of a booking, who stays there, and what was taken off its nights that are over."""

    offer: Offer
    guests: Occupancy
    slept: tuple[Occupancy, ...] = ()
    given: tuple[int, ...] = ()


def promote(
    rooms: Sequence[RoomOffer],
    *,
    promotions: Sequence[Promotion],
    today: date,
    taxes: Sequence[TaxRule],
    fees: Sequence[FeeRule],
) -> list[Offer]:
    """The offers of a booking's rooms at what promotions leave: those of one product have the same, as a search for them all.

    rooms: each without any promotion, but for nights that are over, which stay at what they cost. slept: who stayed there
    on those, where it was somebody else.
    """
    if not promotions:
        return [one.offer for one in rooms]
    held = holding(promotions, rooms[0].offer.stay, today)
    found = [one.offer for one in rooms]
    places: dict[int, list[int]] = {}
    for place, one in enumerate(rooms):
        places.setdefault(one.offer.product.slot, []).append(place)
    for same in places.values():
        product = rooms[same[0]].offer.product
        priced = [Room(_before(rooms[place]), given=rooms[place].given) for place in same]
        given = best(held, product.room_type_id, product.rate_plan_id, priced)
        if given is None:
            continue
        for place, room, cuts in zip(same, priced, given.cuts, strict=True):
            found[place] = _reduced(rooms[place], given.promotion, room.nightly, cuts, taxes, fees)
    return found


def _before(room: RoomOffer) -> list[int]:
    """Its nights as if nothing were taken off any."""
    nightly, given = room.offer.nightly_minor, room.given
    return [*(night + cut for night, cut in zip(nightly, given, strict=False)), *nightly[len(given) :]]


def _reduced(
    room: RoomOffer,
    promotion: Promotion,
    before: Sequence[int],
    cuts: tuple[int, ...],
    taxes: Sequence[TaxRule],
    fees: Sequence[FeeRule],
) -> Offer:
    offer = room.offer
    plan = ChargePlan(taxes, fees, offer.stay, room.guests, before=room.slept)
    nightly = without(before, cuts)
    own_taxes, own_fees, added = plan.apply(nightly)
    return offer._replace(
        nightly_minor=tuple(nightly),
        taxes=tuple(own_taxes),
        fees=tuple(own_fees),
        total_minor=sum(nightly) + added,
        promotion=promotion,
        cuts_minor=cuts,
        total_before_minor=sum(before) + plan.apply(before)[2],
    )
