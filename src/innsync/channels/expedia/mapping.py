"""Our updates as QuickConnect's AR messages. Pure; no credentials in here. Source: NOTES.md 2."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from lxml import etree

from innsync.channels.expedia.dates import DateRange, date_ranges
from innsync.channels.expedia.wire import AR_NS, VENDOR, add, document, dump
from innsync.domain.ari import (
    AVAILABILITY,
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    MAX_STAY,
    MIN_STAY_ARRIVAL,
    MIN_STAY_THROUGH,
    STOP_SELL,
    AriUpdate,
    Target,
    price_occupancy,
)
from innsync.domain.money import Money
from innsync.domain.spans import compress
from innsync.integrations.errors import NeedsSetup
from innsync.integrations.ports import PropertyRef, Push, Refusal

MESSAGE_CELLS = 5_000
"""Updates a message may hold: one piece of information, of one room or product, for one day. NOTES.md 2.2."""

MESSAGE_BYTES = 99_000
"""Of the 100 kB a message may have; the rest is left to the credentials."""

MOST_NIGHTS = 28
MOST_ROOMS = 4_999
MOST_ADULTS = 20

UNSAID = "unsaid"
"""The code of refusals that are ours, because QuickConnect has no words for the value."""

LIMITS = ("hotel",)
OPERATION = "update_avail_rate"
PRICING_MODELS = ("occupancy", "per_day")

Content = tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
"""What is said of one room on one night: (rate plan id, or empty for the room itself; its fields and values)."""


@dataclass(frozen=True, slots=True)
class Restrictions:
    """What can be said of a product's rules in QuickConnect's words, and which fields could not be said as they are."""

    attributes: Mapping[str, str]
    unsaid: tuple[tuple[tuple[str, ...], str], ...] = ()


def plan(prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
    """The fewest messages for these updates; what closes is in the first ones."""
    check_setup(prop, updates)
    waiting = sorted(updates, key=lambda update: not update.closes)
    pushes: list[Push] = []
    budget = MESSAGE_CELLS
    while waiting:
        taken, waiting, body, budget = _fill(prop, waiting, budget)
        pushes.append(Push(OPERATION, tuple(taken), body, LIMITS))
    return pushes


def _fill(
    prop: PropertyRef, waiting: Sequence[AriUpdate], budget: int
) -> tuple[list[AriUpdate], list[AriUpdate], bytes, int]:
    """One message as full as it may be: its updates, the rest, its body, and a guess of how many the next one holds.

    How much a cell takes depends on how many equal ones it is merged with, so the size is known only once it is written.
    """
    too_many = False
    while True:
        taken, rest = take(waiting, budget)
        body = message(prop, taken)
        held = sum(weight(update) * update.nights for update in taken)
        fitting = min(MESSAGE_CELLS, held * MESSAGE_BYTES * 98 // (max(len(body), 1) * 100))
        if len(body) > MESSAGE_BYTES:
            too_many = True
            budget = min(fitting, budget - 1)
        elif not too_many and rest and len(body) < MESSAGE_BYTES * 8 // 10 and fitting > budget:
            budget = fitting
        else:
            return taken, rest, body, fitting


def check_setup(prop: PropertyRef, updates: Sequence[AriUpdate]) -> None:
    """Raises NeedsSetup for what no message could say."""
    model = prop.settings.get("pricing_model", "occupancy")
    if model not in PRICING_MODELS:
        raise _needs(f"pricing model {model!r}: only {' and '.join(PRICING_MODELS)} can be sent")
    if not prop.id.isdecimal():
        raise _needs(f"{prop.id!r} is not an Expedia property id")
    derived = prop.settings.get("derived_rates") or {}
    for update in updates:
        if update.currency != prop.currency:
            raise _needs(f"prices in {update.currency}, but Expedia wants {prop.currency} for this property")
        if isinstance(derived, Mapping) and update.target.rate in derived:
            raise _needs(f"Expedia derives rate plan {update.target.rate} from {derived[update.target.rate]}: map that")


def _needs(words: str) -> NeedsSetup:
    return NeedsSetup(words, vendor=VENDOR, operation=OPERATION)


def weight(update: AriUpdate) -> int:
    """How many of the vendor's updates one night of this one counts: the room's count travels with its open or closed."""
    return len(update.values) + (AVAILABILITY in update.values)


def take(updates: Sequence[AriUpdate], cells: int) -> tuple[list[AriUpdate], list[AriUpdate]]:
    """The updates that fit into so many cells, and the rest; one update is cut between two nights. Takes one night at least."""
    taken: list[AriUpdate] = []
    for index, update in enumerate(updates):
        nights = min(update.nights, cells // weight(update))
        if not taken:
            nights = max(nights, 1)
        cells -= nights * weight(update)
        if nights:
            taken.append(replace(update, last=update.first + timedelta(days=nights - 1)))
        if nights < update.nights:
            left = replace(update, first=update.first + timedelta(days=nights))
            return taken, [left, *updates[index + 1 :]]
    return taken, []


def message(prop: PropertyRef, updates: Sequence[AriUpdate]) -> bytes:
    """The AR request for these updates without credentials; empty when nothing of them can be said."""
    root = document("AvailRateUpdateRQ", AR_NS, prop.id)
    for ranges, rooms in _grouped(updates).items():
        block = add(root, "AvailRateUpdate")
        for item in ranges:
            add(block, "DateRange", **item.attributes())
        for room, content in rooms:
            _add_room(block, prop, room, content)
        if not any(len(element) for element in block):
            root.remove(block)
    return dump(root) if len(root) > 1 else b""


def _grouped(updates: Sequence[AriUpdate]) -> dict[tuple[DateRange, ...], list[tuple[str, Content]]]:
    """Rooms with what is said of them, by the dates it is said for: equal nights together, then equal dates together.

    Every room and night is in one group only, because a second mention in a message is an error (3108).
    """
    by_night: dict[tuple[str, date], list[tuple[str, tuple[tuple[str, int], ...]]]] = defaultdict(list)
    for target, rows in sorted(merged(updates).items(), key=lambda item: (item[0].room, item[0].rate or "")):
        for night, values in rows.items():
            by_night[target.room, night].append((target.rate or "", tuple(sorted(values.items()))))
    nights: dict[tuple[str, Content], list[date]] = defaultdict(list)
    for (room, night), said in by_night.items():
        nights[room, tuple(said)].append(night)
    groups: dict[tuple[DateRange, ...], list[tuple[str, Content]]] = defaultdict(list)
    for key, dates in nights.items():
        groups[tuple(date_ranges(dates))].append(key)
    return groups


def merged(updates: Sequence[AriUpdate]) -> dict[Target, dict[date, dict[str, int]]]:
    """All that the updates say of each target's nights; where two say the same field, the later one counts."""
    found: dict[Target, dict[date, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for update in updates:
        rows = found[update.target]
        for offset in range(update.nights):
            rows[update.first + timedelta(days=offset)].update(update.values)
    return found


def _add_room(block: etree._Element, prop: PropertyRef, room: str, content: Content) -> None:
    element = add(block, "RoomType", id=room)
    for rate, pairs in content:
        values = dict(pairs)
        if not rate:
            count = min(values[AVAILABILITY], MOST_ROOMS)
            # A count of 0 alone does not stop sales: a cancellation at Expedia would open the room again. NOTES.md 2.4.
            element.set("closed", "true" if count == 0 else "false")
            add(element, "Inventory", totalInventoryAvailable=str(count))
        else:
            _add_rate(element, prop, rate, values)
    if not len(element):
        block.remove(element)


def _add_rate(room: etree._Element, prop: PropertyRef, rate: str, values: Mapping[str, int]) -> None:
    element = add(room, "RatePlan", id=rate)
    if (closed := values.get(STOP_SELL)) is not None:
        element.set("closed", "true" if closed else "false")
    prices = said_prices(prop, values)
    if prices:
        offered = add(element, "Rate", currency=prop.currency)
        for occupancy, amount in prices:
            if occupancy:
                add(offered, "PerOccupancy", rate=amount, occupancy=str(occupancy))
            else:
                add(offered, "PerDay", rate=amount)
    attributes = restrictions(prop, values).attributes
    if attributes:
        add(element, "Restrictions", **attributes)
    if not len(element) and "closed" not in element.attrib:
        room.remove(element)


def said_prices(prop: PropertyRef, values: Mapping[str, int]) -> list[tuple[int, str]]:
    """(adults, amount) as they are sent; 0 adults for the one price of a room that is priced per day."""
    found = sorted(
        (occupancy, str(Money(value, prop.currency)))
        for field, value in values.items()
        if (occupancy := price_occupancy(field)) is not None and occupancy <= MOST_ADULTS
    )
    if found and prop.settings.get("pricing_model", "occupancy") == "per_day":
        return [(0, found[-1][1])]
    return found


def restrictions(prop: PropertyRef, values: Mapping[str, int]) -> Restrictions:
    """A product's rules as attributes of `Restrictions`."""
    attributes: dict[str, str] = {}
    unsaid: list[tuple[tuple[str, ...], str]] = []
    shortest, fields = _min_stay(prop, values, unsaid)
    longest = values.get(MAX_STAY)
    if longest is not None:
        # 0 is "no limit" with us and 28 with Expedia, which sells no longer stays: above, both mean the same.
        longest = min(longest, MOST_NIGHTS) or MOST_NIGHTS
    if shortest is not None and longest is not None and min(shortest, MOST_NIGHTS) > longest:
        unsaid.append(((*fields, MAX_STAY), f"a minimum stay of {shortest} is above the maximum stay of {longest}"))
        shortest = longest = None
    if shortest is not None:
        if shortest > MOST_NIGHTS:
            unsaid.append((fields, f"a minimum stay of {shortest} nights can't be told; {MOST_NIGHTS} was sent"))
        attributes["minLOS"] = str(min(max(shortest, 1), MOST_NIGHTS))
    if longest is not None:
        attributes["maxLOS"] = str(longest)
    for field, attribute in ((CLOSED_TO_ARRIVAL, "closedToArrival"), (CLOSED_TO_DEPARTURE, "closedToDeparture")):
        if (value := values.get(field)) is not None:
            attributes[attribute] = "true" if value else "false"
    return Restrictions(attributes, tuple(unsaid))


def _min_stay(
    prop: PropertyRef, values: Mapping[str, int], unsaid: list[tuple[tuple[str, ...], str]]
) -> tuple[int | None, tuple[str, ...]]:
    """The minimum stay to send and the field it comes from. What the hotel counts from is a setting at Expedia. NOTES.md 2.5."""
    if prop.settings.get("min_stay_type", "arrival") == "through":
        # Counted through the stay, an arrival's minimum forbids more stays than it should, never fewer.
        field = MIN_STAY_THROUGH if MIN_STAY_THROUGH in values else MIN_STAY_ARRIVAL
        other = MIN_STAY_ARRIVAL if field == MIN_STAY_THROUGH else ""
        unneeded = values.get(other, 1) <= values.get(field, 1)
    else:
        field, other = MIN_STAY_ARRIVAL, MIN_STAY_THROUGH
        unneeded = values.get(other, 1) <= 1
    if other in values and not unneeded:
        unsaid.append(((other,), "Expedia counts this hotel's minimum stay in the other way"))
    return values.get(field), (field,)


def unsaid(prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Refusal]:
    """The cells that no message can express, refused here because the vendor would not even see them."""
    found: list[Refusal] = []
    for target, rows in merged(updates).items():
        if target.rate is not None:
            reasons = {night: _unsaid_fields(prop, values) for night, values in rows.items()}
            for span in compress({night: said for night, said in reasons.items() if said}):
                found += [Refusal(target, span.first, span.last, words, UNSAID, fields) for fields, words in span.value]
    return found


def _unsaid_fields(prop: PropertyRef, values: Mapping[str, int]) -> tuple[tuple[tuple[str, ...], str], ...]:
    crowded = tuple(field for field in values if (price_occupancy(field) or 0) > MOST_ADULTS)
    reasons = restrictions(prop, values).unsaid
    if crowded:
        return (*reasons, (crowded, f"Expedia takes prices for up to {MOST_ADULTS} adults"))
    return reasons
