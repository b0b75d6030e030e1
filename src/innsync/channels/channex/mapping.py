"""Availability, prices, restrictions and the catalogue: Innsync's words to Channex's and back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import orjson

from innsync.domain.ari import (
    AVAILABILITY,
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    STOP_SELL,
    AriUpdate,
    Calendar,
    Target,
    price_occupancy,
)
from innsync.domain.channel import ChannelRate, ChannelRoom
from innsync.domain.errors import InvalidMoney
from innsync.domain.money import Money
from innsync.integrations.errors import ContractBroken, NeedsSetup
from innsync.integrations.ports import PropertyRef, Push, Refusal

MAX_BODY_BYTES = 9_000_000
_YES_NO = (CLOSED_TO_ARRIVAL, CLOSED_TO_DEPARTURE, STOP_SELL)
_DATE_WORDS = frozenset({"date", "date_from", "date_to"})

Json = dict[str, Any]


# --- what we send ---------------------------------------------------------------------------------------------------


def plan(prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
    """One message for all availability, one for all prices and restrictions; more only where 10 MB do not suffice.

    Availability goes first when both take something off sale: it is what oversells, and Channex too handles it first.
    Raises NeedsSetup when the property, a room or a rate has no Channex id.
    """
    if not prop.id:
        raise NeedsSetup("the property has no Channex id", vendor="channex")
    limit = _body_limit(prop)
    rooms = [update for update in updates if update.target.rate is None]
    products = [update for update in updates if update.target.rate is not None]
    pushes = [*_messages("availability", prop, rooms, limit), *_messages("restrictions", prop, products, limit)]
    return sorted(pushes, key=lambda push: not push.closes)  # stable: availability stays before restrictions


def _body_limit(prop: PropertyRef) -> int:
    wanted = prop.settings.get("max_body_bytes", MAX_BODY_BYTES)
    return wanted if isinstance(wanted, int) and wanted > 0 else MAX_BODY_BYTES


def _messages(endpoint: str, prop: PropertyRef, updates: Sequence[AriUpdate], limit: int) -> Iterable[Push]:
    taken: list[AriUpdate] = []
    entries: list[bytes] = []
    size = 0
    # What closes comes first, so that it is in the first message when there are several.
    for update in sorted(updates, key=lambda update: not update.closes):
        entry = orjson.dumps(_entry(prop.id, update))
        if entries and size + len(entry) + 16 > limit:
            yield Push(endpoint, tuple(taken), _body(entries), (endpoint,))
            taken, entries, size = [], [], 0
        taken.append(update)
        entries.append(entry)
        size += len(entry) + 1
    if entries:
        yield Push(endpoint, tuple(taken), _body(entries), (endpoint,))


def _body(entries: Sequence[bytes]) -> bytes:
    return b'{"values":[' + b",".join(entries) + b"]}"


def _entry(property_id: str, update: AriUpdate) -> Json:
    entry: Json = {"property_id": property_id}
    if not update.target.room or update.target.rate == "":
        raise NeedsSetup("a room or rate has no Channex id", vendor="channex")
    if update.target.rate is None:
        entry["room_type_id"] = update.target.room
    else:
        entry["rate_plan_id"] = update.target.rate
    if update.first == update.last:
        entry["date"] = update.first.isoformat()
    else:
        entry["date_from"], entry["date_to"] = update.first.isoformat(), update.last.isoformat()
    return entry | _values(update)


def _values(update: AriUpdate) -> Json:
    values: Json = {}
    for field, value in update.values.items():
        if field == AVAILABILITY:
            values[field] = max(value, 0)  # a negative count is refused
        elif field in _YES_NO:
            values[field] = bool(value)
        elif price_occupancy(field) is None:
            values[field] = value
    prices = update.prices
    # Decimal strings, never whole numbers: those are minor units there, and a mistake is a factor of a hundred.
    if len(prices) == 1:
        values["rate"] = str(prices[0][1])
    elif prices:
        # A bare `rate` would move the plan's first option only and leave the others as they were. NOTES.md 2.5.
        values["rates"] = [{"occupancy": occupancy, "rate": str(price)} for occupancy, price in prices]
    return values


# --- what was refused -----------------------------------------------------------------------------------------------


def refusals(push: Push, warnings: Sequence[Json]) -> tuple[list[Refusal], list[Json]]:
    """The cells that the warnings of an answer name, and the warnings that name none of the push's cells.

    A warning echoes the refused entry; all the fields of that entry count as refused.
    """
    found: dict[Refusal, None] = {}
    strange: list[Json] = []
    by_id: dict[str, list[AriUpdate]] = {}
    for update in push.updates:
        by_id.setdefault(_named(update.target), []).append(update)
    for warning in warnings:
        matches = list(_matches(by_id, warning))
        if not matches:
            strange.append(warning)
        for update, first, last in matches:
            fields = tuple(update.values)
            found[Refusal(update.target, first, last, _words(warning), _code(warning), fields)] = None
    return list(found), strange


def _named(target: Target) -> str:
    """The id by which a message names the target."""
    return target.room if target.rate is None else target.rate


def _matches(by_id: Mapping[str, Sequence[AriUpdate]], warning: Json) -> Iterable[tuple[AriUpdate, date, date]]:
    named = warning.get("rate_plan_id") or warning.get("room_type_id")
    updates = by_id.get(named, ()) if isinstance(named, str) else ()
    first, last = _dates(warning)
    exact = [update for update in updates if (update.first, update.last) == (first, last)]
    for update in exact or updates:
        begin, end = max(update.first, first), min(update.last, last)
        if begin <= end:
            yield update, begin, end


def _dates(warning: Json) -> tuple[date, date]:
    """The dates that a warning is about; all there are when it names none."""
    try:
        first = date.fromisoformat(warning.get("date") or warning.get("date_from") or date.min.isoformat())
        last = date.fromisoformat(warning.get("date") or warning.get("date_to") or date.max.isoformat())
    except (TypeError, ValueError) as error:
        raise ContractBroken("a warning names no date we can read", vendor="channex") from error
    return first, last


def _reasons(warning: Json) -> Json:
    reasons = warning.get("warning")
    return reasons if isinstance(reasons, dict) else {"": reasons}


def _words(warning: Json) -> str:
    lines = []
    for field, texts in _reasons(warning).items():
        text = ", ".join(map(str, texts)) if isinstance(texts, list) else str(texts)
        lines.append(f"{field}: {text}" if field else text)
    return "; ".join(lines)


def _code(warning: Json) -> str:
    return ",".join(_reasons(warning))


def is_about_dates(refusal: Refusal) -> bool:
    """Whether the channel minded the dates, not the values."""
    return bool(_DATE_WORDS.intersection(refusal.code.split(",")))


# --- what it holds --------------------------------------------------------------------------------------------------


def readable_fields(layouts: Iterable[tuple[str, ...]]) -> list[str]:
    """What to ask for so that rows of these layouts can be filled. Availability explains stop_sell: see below."""
    wanted = {"rate" if price_occupancy(field) is not None else field for layout in layouts for field in layout}
    return sorted(wanted | {AVAILABILITY} if STOP_SELL in wanted else wanted)


def room_calendar(answer: Json, target: Target, layout: tuple[str, ...], first: date, last: date) -> Calendar:
    """A room's row a night from GET /availability."""
    by_date = answer.get(target.room)
    counts = by_date if isinstance(by_date, dict) else {}
    rows = tuple(
        tuple(_whole(counts.get(night.isoformat())) if field == AVAILABILITY else None for field in layout)
        for night in _nights(first, last)
    )
    return Calendar(first, layout, rows)


def product_calendar(
    answer: Json,
    target: Target,
    layout: tuple[str, ...],
    options: Mapping[int, str],
    currency: str,
    first: date,
    last: date,
) -> Calendar:
    """A product's row a night from GET /restrictions.

    options: the id of each occupancy's option, which is what the answer is keyed by. A plan's id is its first option's.
    """
    rows = []
    for night in _nights(first, last):
        day = _day(answer, target.rate or "", night)
        row: list[int | None] = []
        for field in layout:
            occupancy = price_occupancy(field)
            if occupancy is None:
                row.append(_restriction(field, day))
            else:
                option = options.get(occupancy, target.rate or "")
                row.append(_minor(_day(answer, option, night).get("rate"), currency))
        rows.append(tuple(row))
    return Calendar(first, layout, tuple(rows))


def _restriction(field: str, day: Json) -> int | None:
    # A night without rooms reads as stop_sell whatever was sent, until availability comes back. NOTES.md 2.8.
    if field == STOP_SELL and day.get(STOP_SELL) is True and day.get(AVAILABILITY) == 0:
        return None
    return _whole(day.get(field))


def _day(answer: Json, option: str, night: date) -> Json:
    by_date = answer.get(option)
    day = by_date.get(night.isoformat()) if isinstance(by_date, dict) else None
    return day if isinstance(day, dict) else {}


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int) else None


def _minor(value: object, currency: str) -> int | None:
    try:
        return Money.parse(value, currency).minor if isinstance(value, str | int) else None
    except InvalidMoney as error:
        raise ContractBroken("a price is no amount of the currency", vendor="channex") from error


def _nights(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))


# --- the catalogue --------------------------------------------------------------------------------------------------


def rooms(room_types: Sequence[Json], rate_plans: Sequence[Json]) -> list[ChannelRoom]:
    """The catalogue for mapping, in the channel's order."""
    rates: dict[str, list[ChannelRate]] = {}
    for entry in rate_plans:
        rates.setdefault(_room_of(entry), []).append(_rate(entry))
    return [
        ChannelRoom(
            _id(entry),
            str(attributes.get("title", "")),
            _whole(attributes.get("occ_adults")),
            tuple(rates.get(_id(entry), ())),
        )
        for entry in room_types
        for attributes in [_attributes(entry)]
    ]


def _rate(entry: Json) -> ChannelRate:
    attributes = _attributes(entry)
    per_person = attributes.get("sell_mode") == "per_person"
    return ChannelRate(
        _id(entry),
        str(attributes.get("title", "")),
        tuple(sorted(option_ids(entry, priced_only=True))) if per_person else (),
        str(attributes.get("currency") or ""),
        _is_derived(attributes),
    )


def _is_derived(attributes: Json) -> bool:
    """Prices that Channex computes from a parent, or that a channel made for its own mapping: no writing there."""
    inherits = attributes.get("parent_rate_plan_id") is not None and attributes.get("inherit_rate") is True
    return bool(
        attributes.get("rate_mode") in ("derived", "cascade") or inherits or attributes.get("ui_read_only") is True
    )


def option_ids(rate_plan: Json, *, priced_only: bool = False) -> dict[int, str]:
    """The id of each occupancy's option of a plan. The order of the list means nothing; the occupancy does.

    priced_only: without the options whose price Channex derives from another.
    """
    plan_id = _id(rate_plan)
    found: dict[int, str] = {}
    options = _attributes(rate_plan).get("options")
    for option in options if isinstance(options, list) else []:
        occupancy = option.get("occupancy") if isinstance(option, dict) else None
        if not isinstance(occupancy, int):
            raise ContractBroken("an option without occupancy", vendor="channex", operation="list_rate_plans")
        rule = option.get("derived_option")
        if priced_only and isinstance(rule, dict) and rule.get("rate"):
            continue
        own = option.get("id")
        found[occupancy] = plan_id if option.get("is_primary") or not isinstance(own, str) else own
    return found


def _attributes(entry: Json) -> Json:
    attributes = entry.get("attributes")
    if not isinstance(attributes, dict):
        raise ContractBroken("an entry without attributes", vendor="channex", operation="catalogue")
    return attributes


def _id(entry: Json) -> str:
    value = entry.get("id")
    if not isinstance(value, str) or not value:
        raise ContractBroken("an entry without id", vendor="channex", operation="catalogue")
    return value


def _room_of(rate_plan: Json) -> str:
    try:
        return str(rate_plan["relationships"]["room_type"]["data"]["id"])
    except (KeyError, TypeError):
        return str(_attributes(rate_plan).get("room_type_id", ""))


def layout_prices(layout: tuple[str, ...]) -> list[str]:
    """The price fields of a layout."""
    return [field for field in layout if price_occupancy(field) is not None]
