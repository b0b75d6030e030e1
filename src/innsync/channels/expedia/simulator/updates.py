"""AR: an update of availability and rates is checked as a whole, then applied but for what the warnings name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from lxml import etree

from innsync.channels.expedia.simulator.model import (
    Hotel,
    Plan,
    PlanNight,
    Room,
    RoomNight,
    State,
    nights_between,
)
from innsync.channels.expedia.simulator.protocol import Trouble, Warned, attribute, elements, flag

MOST_UPDATES = 5_000
LISTED = 20
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RULES = ("shortest", "longest", "no_arrival", "no_departure")


Said = dict[tuple[str, str, date, str], Decimal | int | bool]
"""Values by room, plan (empty for the room itself), night and field."""


@dataclass(frozen=True, slots=True)
class Change:
    """One of the vendor's updates: one piece of information for one room or plan and one day."""

    room: Room
    plan: Plan | None
    night: date
    field: str
    value: Decimal | int | bool

    @property
    def key(self) -> tuple[str, str, date, str]:
        return self.room.id, self.plan.id if self.plan else "", self.night, self.field


def apply_update(state: State, hotel: Hotel, request: etree._Element, today: date) -> list[Warned]:
    """Raises Trouble, and then nothing is applied; else what could not be applied."""
    changes = list(_up_to_the_limit(_changes(hotel, request, today)))
    said = _check_whole(changes)
    complaints: dict[str, list[str]] = {}
    for change in changes:
        _apply(hotel, change, said, complaints)
    return _listed(complaints)


def _up_to_the_limit(changes: Iterable[Change]) -> Iterator[Change]:
    for count, change in enumerate(changes):
        if count == MOST_UPDATES:
            raise Trouble("3107", f"Update exceeds allowable size - Maximum allowable size is {MOST_UPDATES} updates")
        yield change


def _changes(hotel: Hotel, request: etree._Element, today: date) -> Iterator[Change]:
    blocks = elements(request, "AvailRateUpdate") or [request]
    for block in blocks:
        nights = [night for item in elements(block, "DateRange") for night in _nights(item, today)]
        for element in elements(block, "RoomType"):
            room = hotel.room_by_id(attribute(element, "id"))
            if room is None:
                raise Trouble(
                    "3203", f"The following RoomTypeIDs do not belong to the given hotel : {attribute(element, 'id')}"
                )
            for night in nights:
                yield from _room_changes(hotel, room, element, night)


def _nights(item: etree._Element, today: date) -> list[date]:
    first, last = date.fromisoformat(attribute(item, "from")), date.fromisoformat(attribute(item, "to"))
    if first < today - timedelta(days=1):
        raise Trouble("3020", "Validation error: start date must not be before yesterday.")
    if last < first:
        raise Trouble("3021", "Validation error: end date must not be before start date.")
    if last > _two_years_on(today) + timedelta(days=1):
        raise Trouble("3022", "Validation error: end date must be within 2 years range.")
    named = [word for word in WEEKDAYS if word in item.attrib]
    # Once a weekday is named, those that are not count as false.
    chosen = {index for index, word in enumerate(WEEKDAYS) if not named or flag(item, word)}
    return [night for night in nights_between(first, last) if night.weekday() in chosen]


def _two_years_on(today: date) -> date:
    leap_day = (today.month, today.day) == (2, 29)
    return today.replace(year=today.year + 2, day=28 if leap_day else today.day)


def _room_changes(hotel: Hotel, room: Room, element: etree._Element, night: date) -> Iterator[Change]:
    if "closed" in element.attrib:
        yield Change(room, None, night, "closed", bool(flag(element, "closed")))
    for inventory in elements(element, "Inventory"):
        if len(inventory.attrib) > 1:
            raise Trouble("3026", "Flexible and total allocation cannot be sent together for roomType.")
        for value in inventory.attrib.values():
            yield Change(room, None, night, "total", int(value))
    for item in elements(element, "RatePlan"):
        yield from _plan_changes(hotel, room, item, night)


def _plan_changes(hotel: Hotel, room: Room, item: etree._Element, night: date) -> Iterator[Change]:
    plan_id = attribute(item, "id")
    plan = room.plan_by_id(plan_id)
    if plan is None:
        raise Trouble("3204", f"The following RatePlanIDs do not belong to the given hotel : {plan_id}")
    if plan_id == plan.twin:
        raise Trouble(
            "3142",
            f"Rate plan does not match the property acquisition type - Rate plan {plan_id} does not match acquisition type",
        )
    if "closed" in item.attrib:
        yield Change(room, plan, night, "closed", bool(flag(item, "closed")))
    for rate in elements(item, "Rate"):
        yield from _price_changes(hotel, room, plan, rate, night)
    for rules in elements(item, "Restrictions"):
        yield from _rule_changes(hotel, room, plan, rules, night)


def _price_changes(hotel: Hotel, room: Room, plan: Plan, rate: etree._Element, night: date) -> Iterator[Change]:
    if "lengthOfStay" in rate.attrib:
        raise Trouble("3124", "Length of stay attribute can only be set on Rate Plans with LOS enabled")
    if "rateChangeIndicator" in rate.attrib:
        raise Trouble("3125", "Field not accessible for edit for this hotel and source - Rate change edit not allowed")
    prices = [item for item in rate if isinstance(item.tag, str)]
    if prices and attribute(rate, "currency") != hotel.currency:
        raise Trouble("3103", "Currency code mismatch.")
    for item in prices:
        model = etree.QName(item).localname
        if model != ("PerDay" if hotel.per_day else "PerOccupancy"):
            mine = "PerDayPricing" if hotel.per_day else "OccupancyBasedPricing"
            raise Trouble(
                "3090",
                f"Pricing models mismatch: you tried to update a price for {model}Pricing, "
                f"but your property is configured to use {mine}.",
            )
        yield Change(room, plan, night, f"price:{attribute(item, 'occupancy') or 0}", Decimal(attribute(item, "rate")))


def _rule_changes(hotel: Hotel, room: Room, plan: Plan, rules: etree._Element, night: date) -> Iterator[Change]:
    shortest, longest = attribute(rules, "minLOS"), attribute(rules, "maxLOS")
    if shortest and longest and int(shortest) > int(longest):
        raise Trouble(
            "3015",
            f"Business validation error: MaxLOS value ({longest}) smaller than the MinLOS value ({shortest})",
        )
    threshold = int(hotel.settings.get("min_stay_threshold", 28))
    if shortest and int(shortest) > threshold:
        raise Trouble(
            "3135",
            f"MinLOS value ({shortest}) exceeds Extranet auto-approval threshold ({threshold}) for length of stay",
        )
    if shortest:
        yield Change(room, plan, night, "shortest", int(shortest))
    if longest:
        yield Change(room, plan, night, "longest", int(longest))
    for name, field in (("closedToArrival", "no_arrival"), ("closedToDeparture", "no_departure")):
        if name in rules.attrib:
            yield Change(room, plan, night, field, bool(flag(rules, name)))


def _check_whole(changes: Sequence[Change]) -> Said:
    """All that is said, by where and what. Raises Trouble when it is nothing, or contradicts itself."""
    if not changes:
        raise Trouble("3015", "Business validation error: No updates provided in ICPRUpdateMessage")
    said: Said = {}
    for change in changes:
        if said.setdefault(change.key, change.value) != change.value:
            room, plan, night, field = change.key
            raise Trouble(
                "3108",
                f"Duplicate Updates in the same message - Room Type ID {room}; Rate Plan ID {plan}; {field} on {night}",
            )
    return said


def _apply(hotel: Hotel, change: Change, said: Said, complaints: dict[str, list[str]]) -> None:
    refusal = _room_refusal(hotel, change) if change.plan is None else _plan_refusal(hotel, change, change.plan, said)
    if refusal:
        code, words = refusal
        where = f"Room Type ID {change.room.id}"
        if change.plan:
            complaints.setdefault(code, []).append(
                f"[{where}; Rate Plan ID {change.plan.id}; Stay Date {change.night}] {words}"
            )
        else:
            complaints.setdefault(code, []).append(f"Inventory date {change.night}; {where}; {words}")
    elif change.plan is None:
        setattr(change.room.nights.setdefault(change.night, RoomNight()), change.field, change.value)
    else:
        row = change.plan.nights.setdefault(change.night, PlanNight())
        if change.field.startswith("price:"):
            row.prices[int(change.field[6:])] = Decimal(change.value)
        else:
            setattr(row, change.field, change.value)


def _room_refusal(hotel: Hotel, change: Change) -> tuple[str, str] | None:
    """What a contract on base allocation forbids: rooms promised to Expedia and not sold yet can't be taken back."""
    promised = int(hotel.settings.get("base_allocation", {}).get(change.room.code, 0))
    left = max(0, promised - change.room.nights.get(change.night, RoomNight()).sold)
    if not left:
        return None
    if change.field == "closed" and change.value:
        return "7010", "Room type cannot be closed because there is base allocation remaining on the room."
    if change.field == "total" and int(change.value) < left:
        change.room.nights.setdefault(change.night, RoomNight()).total = left
        return (
            "7013",
            f"Unable to set total inventory below the current base allocation value ({left}). "
            "Update will be modified to cap reduction to base allocation level.",
        )
    return None


def _plan_refusal(hotel: Hotel, change: Change, plan: Plan, said: Said) -> tuple[str, str] | None:
    if plan.parent:
        if change.field in RULES or change.field == "closed":
            return "7023", "Restrictions were not updated due to a rate plan linkage rule."
        return "7024", "Rates were not updated due to a rate plan linkage rule."
    row = plan.nights.get(change.night, PlanNight())
    if change.field.startswith("price:"):
        occupancy = int(change.field[6:])
        if occupancy > change.room.max_adults + change.room.max_children:
            return "7009", f"Occupancy {occupancy} exceeds maximum allowed value"
        least, most = hotel.settings.get("rate_threshold", (1, 100_000_000))
        if not Decimal(str(least)) <= Decimal(change.value) <= Decimal(str(most)):
            return "7021", "Sell/LAR rate must be within Rate Verification threshold."
    if change.field in ("shortest", "longest"):
        # The two are judged as they will stand together once the whole message is in.
        here = change.key[:3]
        shortest = int(said.get((*here, "shortest"), row.shortest or 1))
        longest = int(said.get((*here, "longest"), row.longest or 28))
        if shortest > longest:
            return "7016", f"MaxLOS value ({longest}) smaller than the MinLOS value ({shortest})."
    return None


def _listed(complaints: dict[str, list[str]]) -> list[Warned]:
    """At most twenty of a kind are told, with the count of all of them."""
    found = []
    for code, words in complaints.items():
        for index, text in enumerate(words[:LISTED], 1):
            rest = len(words) - LISTED
            note = f" Remaining {rest} warnings will not be returned." if index == LISTED and rest > 0 else ""
            found.append(Warned(code, f"Warning {index} out of {len(words)} for this cause.{note} {text}"))
    return found
