"""QuickConnect's products and calendars (PARR) as ours, and how to ask for them in the fewest calls. Source: NOTES.md 5."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from lxml import etree

from innsync.channels.expedia import wire
from innsync.channels.expedia.mapping import MOST_NIGHTS
from innsync.domain.ari import (
    AVAILABILITY,
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    MAX_STAY,
    MIN_STAY_ARRIVAL,
    MIN_STAY_THROUGH,
    STOP_SELL,
    Calendar,
    Target,
    price_field,
)
from innsync.domain.channel import ChannelRate, ChannelRoom
from innsync.domain.errors import InvalidMoney
from innsync.domain.money import Money
from innsync.integrations.ports import PropertyRef

DAYS_ONE_PLAN = 365
DAYS_MANY_PLANS = 31
"""An answer silently ends after so many days: for one rate plan, and for any other choice. NOTES.md 5.2."""

MOST_IDS = 20
"""Rooms a request may name, and rate plans of each."""

MOST_PERSONS = 100
"""In a room; a larger number is a slip of the vendor's."""

UNMANAGEABLE = {"Derived", "Linked"}


@dataclass(frozen=True, slots=True)
class Question:
    """One call: the rooms with the rate plans wanted of each, and the days, both ends included."""

    rooms: tuple[tuple[str, tuple[str, ...]], ...]
    first: date
    last: date


def questions(targets: Collection[Target], first: date, last: date) -> list[Question]:
    """The fewest calls that bring these targets: plan by plan for a year each, or everything month by month."""
    plans: dict[str, list[str]] = defaultdict(list)
    for target in sorted(targets, key=lambda target: (target.room, target.rate or "")):
        plans[target.room] += [target.rate] if target.rate else []
    one_by_one = [
        question
        for room, rates in plans.items()
        for chosen in [[rate] for rate in rates] or [[]]
        for question in _windows(((room, tuple(chosen)),), first, last, DAYS_ONE_PLAN if chosen else DAYS_MANY_PLANS)
    ]
    chosen_rooms = [
        (room, tuple(rates[start : start + MOST_IDS]))
        for room, rates in plans.items()
        for start in range(0, max(len(rates), 1), MOST_IDS)
    ]
    together = [
        question for rooms in _batches(chosen_rooms) for question in _windows(rooms, first, last, DAYS_MANY_PLANS)
    ]
    return min(one_by_one, together, key=len)


def _batches(rooms: list[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[tuple[str, tuple[str, ...]], ...]]:
    """At most MOST_IDS rooms at once, and no room twice in one request."""
    batch: dict[str, tuple[str, ...]] = {}
    for room, rates in rooms:
        if room in batch or len(batch) == MOST_IDS:
            yield tuple(batch.items())
            batch = {}
        batch[room] = rates
    if batch:
        yield tuple(batch.items())


def _windows(rooms: tuple[tuple[str, tuple[str, ...]], ...], first: date, last: date, days: int) -> Iterator[Question]:
    for index in range(math.ceil(((last - first).days + 1) / days)):
        start = first + timedelta(days=index * days)
        yield Question(rooms, start, min(start + timedelta(days=days - 1), last))


def calendars(
    prop: PropertyRef,
    layouts: Mapping[Target, tuple[str, ...]],
    first: date,
    last: date,
    days: Iterable[etree._Element],
) -> dict[Target, Calendar]:
    """What the AvailRate elements say of each target; None where they say nothing."""
    said: dict[tuple[Target, date], dict[str, int]] = {}
    for day in days:
        night = _day(day.get("date"))
        if night is None:
            continue
        for room in wire.children(day, "RoomType"):
            room_id = room.get("id", "")
            said.setdefault((Target(room_id), night), {}).update(_room_values(room))
            for plan in wire.children(room, "RatePlan"):
                key = (Target(room_id, plan.get("id", "")), night)
                said.setdefault(key, {}).update(_plan_values(prop, plan, layouts.get(key[0], ())))
    found = {}
    for target, layout in layouts.items():
        nights = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        rows = tuple(tuple(said.get((target, night), {}).get(field) for field in layout) for night in nights)
        found[target] = Calendar(first, layout, rows)
    return found


def _day(value: str | None) -> date | None:
    try:
        return date.fromisoformat(value or "")
    except ValueError:
        return None


def _room_values(room: etree._Element) -> dict[str, int]:
    """A closed room sells nothing, whatever count is left in it."""
    if wire.is_true(room.get("closed")):
        return {AVAILABILITY: 0}
    inventory = wire.child(room, "Inventory")
    count = wire.whole(inventory.get("totalInventoryAvailable"), None) if inventory is not None else None
    return {AVAILABILITY: count} if count is not None else {}


def _plan_values(prop: PropertyRef, plan: etree._Element, layout: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    if (closed := wire.is_true(plan.get("closed"))) is not None:
        found[STOP_SELL] = int(closed)
    rules = wire.child(plan, "Restrictions")
    if rules is not None:
        shortest, longest = wire.whole(rules.get("minLOS"), None), wire.whole(rules.get("maxLOS"), None)
        if shortest is not None:
            # Whichever way the hotel counts, there is one number; it is read as what it was sent for.
            found[MIN_STAY_ARRIVAL] = found[MIN_STAY_THROUGH] = shortest
        if longest is not None:
            found[MAX_STAY] = longest if longest < MOST_NIGHTS else 0
        for field, attribute in ((CLOSED_TO_ARRIVAL, "closedToArrival"), (CLOSED_TO_DEPARTURE, "closedToDeparture")):
            if (value := wire.is_true(rules.get(attribute))) is not None:
                found[field] = int(value)
    return found | _prices(prop, plan, layout)


def _prices(prop: PropertyRef, plan: etree._Element, layout: tuple[str, ...]) -> dict[str, int]:
    rate = wire.child(plan, "Rate")
    if rate is None or rate.get("currency", prop.currency) != prop.currency:
        return {}
    found = {}
    try:
        for price in wire.children(rate, "PerOccupancy"):
            amount = Money.parse(_trimmed(price.get("rate")), prop.currency)
            found[price_field(int(price.get("occupancy", "")))] = amount.minor
        per_day = wire.child(rate, "PerDay")
        if per_day is not None:
            # One price a room: the one that is sent is that of the fullest occupancy.
            amount = Money.parse(_trimmed(per_day.get("rate")), prop.currency)
            found |= {field: amount.minor for field in layout if field.startswith("price_")}
    except (InvalidMoney, ValueError):
        return {}
    return found


def _trimmed(amount: str | None) -> str:
    """Amounts come with up to three decimals, whatever the currency has."""
    value = (amount or "").strip()
    return value.rstrip("0").rstrip(".") if "." in value else value


def rooms(prop: PropertyRef, products: etree._Element) -> list[ChannelRoom]:
    """The catalogue of a ProductList. Derived and linked plans are listed as well: bookings name them. NOTES.md 5.4."""
    return [_room(prop, room) for room in wire.children(products, "RoomType") if room.get("id")]


def _room(prop: PropertyRef, room: etree._Element) -> ChannelRoom:
    adults = _most_adults(room)
    rates = tuple(_rate(prop, plan, adults) for plan in wire.children(room, "RatePlan") if plan.get("id"))
    return ChannelRoom(room.get("id", ""), room.get("name", ""), adults, rates)


def _most_adults(room: etree._Element) -> int | None:
    for item in wire.children(room, "OccupancyByAge"):
        if item.get("ageCategory") == "Adult" and (most := _persons(item)):
            return most
    return _persons(room)


def _persons(element: etree._Element) -> int | None:
    most = wire.whole(element.get("maxOccupants"), None)
    return most if most is not None and most <= MOST_PERSONS else None


def _rate(prop: PropertyRef, plan: etree._Element, adults: int | None) -> ChannelRate:
    per_occupancy = plan.get("pricingModel", "").startswith("OccupancyBased")
    parent = plan.get("parentId", "")
    notes = [
        {"HotelCollect": "guest pays at the property", "ExpediaCollect": "Expedia collects"}.get(
            plan.get("distributionModel", ""), ""
        )
    ]
    if plan.get("rateAcquisitionType") in UNMANAGEABLE:
        notes.append(f"follows {parent}" if parent else "not manageable")
    about = ", ".join(note for note in notes if note)
    return ChannelRate(
        id=plan.get("id", ""),
        name=f"{plan.get('name', '')} ({about})" if about else plan.get("name", ""),
        occupancies=tuple(range(1, (adults or 1) + 1)) if per_occupancy else (),
        currency=prop.currency,
        read_only=plan.get("rateAcquisitionType") in UNMANAGEABLE,
    )
