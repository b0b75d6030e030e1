"""What Expedia would sell: its own reading of the calendars it was sent, and its own count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from innsync.channels.expedia.simulator.model import (
    LONGEST,
    Hotel,
    Plan,
    PlanNight,
    Room,
    RoomNight,
    cents,
    stay_nights,
)

LINKED_PERCENT = Decimal(90)
"""Of the parent's price: what a linked plan costs."""


def plan_night(room: Room, plan: Plan, night: date) -> PlanNight:
    """The plan's own night, or what it has from its parent."""
    if not plan.parent:
        return plan.nights.get(night, PlanNight())
    parent = next((other for other in room.plans.values() if other.id == plan.parent), None)
    above = plan_night(room, parent, night) if parent else PlanNight()
    return PlanNight(
        closed=above.closed,
        shortest=above.shortest,
        longest=above.longest,
        no_arrival=above.no_arrival,
        no_departure=above.no_departure,
        prices={adults: cents(price * LINKED_PERCENT / 100) for adults, price in above.prices.items()},
    )


def price(plan: Plan, row: PlanNight, adults: int) -> Decimal | None:
    """The night's price for so many adults: the exact one, else the next fuller one."""
    if 0 in row.prices:
        return row.prices[0]
    fitting = [occupancy for occupancy in row.prices if occupancy >= adults]
    return row.prices[min(fitting)] if fitting else None


def fullest_price(row: PlanNight) -> Decimal | None:
    return row.prices[max(row.prices)] if row.prices else None


def why_not(
    hotel: Hotel, room: Room, plan: Plan, check_in: date, check_out: date, adults: int, rooms: int, today: date
) -> str:
    """Why Expedia does not sell that stay; empty when it does."""
    nights = stay_nights(check_in, check_out)
    if not nights or check_in < today:
        return "the stay has no night or lies in the past"
    if len(nights) > LONGEST:
        return f"stays of more than {LONGEST} nights are not sold"
    if adults > room.max_adults:
        return "too many adults"
    for night in nights:
        row = room.nights.get(night, RoomNight())
        if row.closed or (row.total or 0) < rooms:
            return f"no room left on {night}"
        rules = plan_night(room, plan, night)
        if rules.closed:
            return f"the rate plan is closed on {night}"
        if price(plan, rules, adults) is None:
            return f"no price on {night}"
    return _rule_broken(hotel, room, plan, nights, check_out)


def _rule_broken(hotel: Hotel, room: Room, plan: Plan, nights: Sequence[date], check_out: date) -> str:
    arrival = plan_night(room, plan, nights[0])
    departure = plan_night(room, plan, check_out)
    counted = nights if hotel.counts_through else nights[:1]
    shortest = max(plan_night(room, plan, night).shortest or 1 for night in counted)
    if arrival.no_arrival:
        return f"closed to arrival on {nights[0]}"
    if departure.no_departure:
        return f"closed to departure on {check_out}"
    if len(nights) < shortest:
        return f"at least {shortest} nights"
    if len(nights) > (arrival.longest or LONGEST):
        return f"at most {arrival.longest} nights"
    return ""


def sell(room: Room, nights: Sequence[date], count: int) -> None:
    """Expedia's own count goes down, or up again for a negative count. A closed room stays closed."""
    for night in nights:
        row = room.nights.setdefault(night, RoomNight())
        row.total = max(0, (row.total or 0) - count)
        row.sold = max(0, row.sold + count)
