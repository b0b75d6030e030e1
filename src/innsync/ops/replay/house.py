"""The property that a data set tells of: its room types, how many rooms of each, what they cost."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from innsync.domain.derivation import Derivation, DerivationKind
from innsync.ops.portfolio import PropertyPlan, RatePlanPlan, RoomTypePlan
from innsync.ops.replay.rows import BookingRow
from innsync.ops.replay.timeline import moves

# What a room of the hotel sleeps. The file has groups of up to 55 adults in one row: they are booked as a full room.
MOST_ADULTS, MOST_CHILDREN = 4, 3
CHILD_AGE, BABY_AGE = 8, 1
FALLBACK_PRICE = Decimal(80)
BASE_PLAN = "room-only"
# Meal in the file -> (rate plan, its name, meal plan, what it costs a night above the room alone, in cents).
MEALS = {
    "BB": ("breakfast", "With breakfast", "breakfast", 1200),
    "HB": ("half-board", "Half board", "half_board", 3000),
    "FB": ("full-board", "Full board", "full_board", 4500),
}


def plan_of(row: BookingRow) -> str:
    """The rate plan that the row was sold at."""
    return MEALS[row.meal][0] if row.meal in MEALS else BASE_PLAN


def party_of(row: BookingRow) -> tuple[int, tuple[int, ...]]:
    """Adults and the children's ages as booked: one adult at least, and no more than a room sleeps."""
    ages = (CHILD_AGE,) * row.children + (BABY_AGE,) * row.babies
    return max(1, min(row.adults, MOST_ADULTS)), ages[:MOST_CHILDREN]


def peaks(rows: Sequence[BookingRow]) -> dict[str, int]:
    """The most rooms of each type held at once for any night, at any time the bookings were made, changed or cancelled.

    A cancelled booking holds its nights to the day it is cancelled; a guest moved on arrival needs a room of the other
    type as well.
    """
    sold = sorted({row.room_type for row in rows})
    moments: dict[tuple[str, date], dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        until = row.ended_on + timedelta(days=1) if row.cancelled else None
        for offset in range(row.nights):
            night = row.arrival + timedelta(days=offset)
            held = moments[row.room_type, night]
            held[row.booked] += 1
            if until is not None:
                held[until] -= 1
            if moves(row, sold):
                moments[row.assigned_room_type, night][row.arrival] += 1
    most = dict.fromkeys(sold, 1)
    for (room_type, _), held in moments.items():
        now = 0
        for day in sorted(held):
            now += held[day]
            most[room_type] = max(most[room_type], now)
    return most


def rooms_of(rows: Sequence[BookingRow], scale: float) -> dict[str, int]:
    """How many rooms of each type the property gets: the peak, scaled, one at least."""
    return {room_type: max(1, math.floor(peak * scale + 1e-9)) for room_type, peak in peaks(rows).items()}


def property_plan(rows: Sequence[BookingRow], *, code: str, rooms: dict[str, int], sellable_days: int) -> PropertyPlan:
    """The property as it is to be made. Prices: the mean of what the file's guests paid for the type."""
    meals = {row.meal for row in rows}
    return PropertyPlan(
        code=code,
        name=f"Replayed hotel {code}",
        time_zone="Europe/Lisbon",
        currency="EUR",
        room_types=tuple(
            RoomTypePlan(
                code=room_type,
                name=f"Room type {room_type}",
                rooms=tuple(f"{room_type}{number:03}" for number in range(1, count + 1)),
                price_minor=_price(rows, room_type),
                max_adults=MOST_ADULTS,
                max_children=MOST_CHILDREN,
                max_occupancy=MOST_ADULTS + MOST_CHILDREN,
            )
            for room_type, count in rooms.items()
        ),
        rate_plans=(
            RatePlanPlan(BASE_PLAN, "Room only"),
            *(
                RatePlanPlan(
                    plan,
                    name,
                    parent=BASE_PLAN,
                    derivation=Derivation(DerivationKind.AMOUNT, Decimal(more)),
                    meal_plan=meal_plan,
                )
                for meal, (plan, name, meal_plan, more) in MEALS.items()
                if meal in meals
            ),
        ),
        details={"sellable_days": sellable_days},
    )


def _price(rows: Sequence[BookingRow], room_type: str) -> int:
    paid = [row.rate for row in rows if row.room_type == room_type and row.rate > 0]
    mean = sum(paid, Decimal(0)) / len(paid) if paid else FALLBACK_PRICE
    return max(100, int(mean) * 100)
