"""Availability, prices, rules and the catalogue, from our words to the engine's and back. Pure. Source: NOTES.md 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from innsync.domain.ari import (
    AVAILABILITY,
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    MAX_STAY,
    MIN_STAY_ARRIVAL,
    MIN_STAY_THROUGH,
    STOP_SELL,
    AriUpdate,
    Calendar,
    Target,
    price_occupancy,
)
from innsync.domain.channel import ChannelRate, ChannelRoom
from innsync.domain.money import Money
from innsync.integrations.errors import ContractBroken, NeedsSetup
from innsync.integrations.ports import PropertyRef, Push, Refusal

Json = dict[str, Any]
UPDATES_PER_MESSAGE = 500
_COUNTS = (MIN_STAY_ARRIVAL, MIN_STAY_THROUGH, MAX_STAY)
_FLAGS = (CLOSED_TO_ARRIVAL, CLOSED_TO_DEPARTURE, STOP_SELL)


def plan(updates: Sequence[AriUpdate]) -> list[Push]:
    """What closes goes in messages before those of what only opens; within either, in the order given."""
    ordered = [one for one in updates if one.closes] + [one for one in updates if not one.closes]
    parts = [
        tuple(ordered[start : start + UPDATES_PER_MESSAGE]) for start in range(0, len(ordered), UPDATES_PER_MESSAGE)
    ]
    return [Push("ari", part, orjson.dumps({"updates": [_entry(one) for one in part]}), ("calls",)) for part in parts]


def _entry(update: AriUpdate) -> Json:
    entry: Json = {"room_type_id": update.target.room}
    if update.target.rate is not None:
        entry["rate_plan_id"] = update.target.rate
    entry |= {"from": update.first.isoformat(), "to": update.last.isoformat()}
    if (left := update.get(AVAILABILITY)) is not None:
        entry["available"] = left
    for name in _COUNTS:
        if (nights := update.get(name)) is not None:
            entry[name] = nights
    for name in _FLAGS:
        if (flag := update.get(name)) is not None:
            entry[name] = bool(flag)
    if update.prices:
        entry["currency"] = update.currency
        entry["prices"] = {str(adults): str(price) for adults, price in update.prices}
    return entry


def refusals(push: Push, answer: Json) -> list[Refusal]:
    """What of a message was not taken. Raises ContractBroken for an answer that does not say."""
    told = answer.get("refused")
    if not isinstance(told, list):
        raise _broken("refused is no list", "write_ari")
    found = []
    for one in told:
        place = one.get("index") if isinstance(one, dict) else None
        if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < len(push.updates):
            raise _broken("a refusal names none of the updates", "write_ari")
        update = push.updates[place]
        words = str(one.get("detail") or "refused without a reason")
        found.append(Refusal(update.target, update.first, update.last, words, str(one.get("code") or "")[:60]))
    return found


def calendars(
    days: Sequence[Json], prop: PropertyRef, layouts: Mapping[Target, tuple[str, ...]], first: date, last: date
) -> dict[Target, Calendar]:
    """What the engine holds; unknown where it does not say."""
    by_place: dict[tuple[object, object, object], Json] = {}
    for day in days:
        by_place[day.get("room_type_id"), day.get("rate_plan_id"), day.get("date")] = day
    nights = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return {
        target: Calendar(
            first,
            layout,
            tuple(
                tuple(
                    _held(by_place.get((target.room, target.rate, night.isoformat())), name, prop.currency_of(target))
                    for name in layout
                )
                for night in nights
            ),
        )
        for target, layout in layouts.items()
    }


def _held(day: Json | None, name: str, currency: str) -> int | None:
    if day is None:
        return None
    if (adults := price_occupancy(name)) is not None:
        prices = day.get("prices")
        return _minor(prices.get(str(adults)) if isinstance(prices, dict) else None, currency)
    value = day.get("available" if name == AVAILABILITY else name)
    return int(value) if isinstance(value, int) and 0 <= value < 2**31 else None


def _minor(value: object, currency: str) -> int | None:
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise _broken("a price is no number", "read_ari") from error
    if not amount.is_finite() or abs(amount) >= 10**12:
        raise _broken("a price is no number", "read_ari")
    return Money.rounded(amount, currency).minor


def rooms(hotel: Json) -> list[ChannelRoom]:
    """The engine's rooms and rates. Raises ContractBroken for a catalogue that can't be read."""
    return [
        ChannelRoom(
            id=_id(room),
            name=str(room.get("name") or _id(room)),
            max_adults=_most(room.get("max_adults")),
            rates=tuple(_rate(rate) for rate in _list_of(room, "rate_plans")),
        )
        for room in _list_of(hotel, "room_types")
    ]


def _rate(rate: Json) -> ChannelRate:
    occupancies = rate.get("occupancies") or []
    if not isinstance(occupancies, list):
        raise _broken("occupancies is no list", "read_hotel")
    return ChannelRate(
        id=_id(rate),
        name=str(rate.get("name") or _id(rate)),
        occupancies=tuple(sorted({count for one in occupancies if (count := _most(one)) is not None})),
        currency=str(rate.get("currency") or ""),
        read_only=rate.get("read_only") is True,
    )


def _most(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 100 else None


def _list_of(told: Json, name: str) -> list[Json]:
    found = told.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _broken(f"{name} is no list of objects", "read_hotel")
    return found


def _id(told: Json) -> str:
    found = told.get("id")
    if not isinstance(found, str | int) or isinstance(found, bool) or not str(found):
        raise _broken("a room or rate without an id", "read_hotel")
    if len(str(found)) > 100:
        raise NeedsSetup("an id of a room or rate there is longer than 100 letters", operation="read_hotel")
    return str(found)


def _broken(words: str, operation: str) -> ContractBroken:
    return ContractBroken(words, vendor="booking_engine", operation=operation)
