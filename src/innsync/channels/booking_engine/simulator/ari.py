"""Availability, prices and rules: what the engine takes of them, what it refuses, what it holds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from innsync.channels.booking_engine.simulator.state import HORIZON_DAYS, EngineError, Json, State, terms_on

MOST_UPDATES = 500
_COUNTS = ("min_stay_arrival", "min_stay_through", "max_stay")
_FLAGS = ("closed_to_arrival", "closed_to_departure", "stop_sell")
_ROOM_FIELDS = {"room_type_id", "from", "to", "available"}
_RATE_FIELDS = {"room_type_id", "rate_plan_id", "from", "to", "prices", "currency", *_COUNTS, *_FLAGS}


def write(state: State, hotel_id: str, body: object, now: datetime) -> Json:
    """Take what can be taken of a message; the rest is named with its place and reason."""
    updates = body.get("updates") if isinstance(body, dict) else None
    if not isinstance(updates, list) or not updates or len(updates) > MOST_UPDATES:
        raise EngineError(422, "invalid", f"updates must be a list of 1 to {MOST_UPDATES}")
    if not all(isinstance(one, dict) for one in updates):
        raise EngineError(422, "invalid", "each update must be an object")
    refused = []
    for index, update in enumerate(updates):
        try:
            _take(state, hotel_id, update, now.date())
        except EngineError as error:
            refused.append({"index": index, **error.answer})
    return {"id": f"m{state['counter']}", "refused": refused}


def _take(state: State, hotel_id: str, update: Json, today: date) -> None:
    hotel = state["hotels"][hotel_id]
    room = hotel["rooms"].get(update.get("room_type_id"))
    if room is None:
        raise EngineError(422, "unknown_room_type", "this hotel has no such room type")
    days = _days(update, today)
    if update.get("rate_plan_id") is None:
        _check_names(update, _ROOM_FIELDS)
        left = update.get("available")
        if not _is_count(left, 0):
            raise EngineError(422, "invalid", "available must be a whole number, 0 or more")
        state["available"].setdefault(update["room_type_id"], {}).update(dict.fromkeys(days, left))
        return
    _check_names(update, _RATE_FIELDS)
    rate = room["rates"].get(update["rate_plan_id"])
    if rate is None:
        raise EngineError(422, "unknown_rate_plan", "this room type has no such rate plan")
    if rate["read_only"]:
        raise EngineError(422, "read_only", "this rate plan is derived here and takes no values")
    told = _terms(update, rate["currency"] or hotel["currency"])
    held = state["terms"].setdefault(update["rate_plan_id"], {})
    for day in days:
        held[day] = {**held.get(day, {}), **told}


def _check_names(update: Json, known: set[str]) -> None:
    if unknown := sorted(set(update) - known):
        raise EngineError(422, "unknown_field", f"nobody knows what {', '.join(unknown)} would be")


def _days(update: Json, today: date) -> list[str]:
    try:
        first, last = date.fromisoformat(update.get("from", "")), date.fromisoformat(update.get("to", ""))
    except (TypeError, ValueError):
        raise EngineError(422, "invalid_dates", "from and to must be dates") from None
    if last < first or first < today - timedelta(days=1) or last > today + timedelta(days=HORIZON_DAYS):
        raise EngineError(422, "invalid_dates", f"from and to must be in order, from today for {HORIZON_DAYS} days")
    return [(first + timedelta(days=offset)).isoformat() for offset in range((last - first).days + 1)]


def _terms(update: Json, currency: str) -> Json:
    told: Json = {}
    for name in _COUNTS:
        if name in update:
            if not _is_count(update[name], 0 if name == "max_stay" else 1):
                raise EngineError(422, "invalid", f"{name} must be a number of nights")
            told[name] = update[name]
    for name in _FLAGS:
        if name in update:
            if not isinstance(update[name], bool):
                raise EngineError(422, "invalid", f"{name} must be true or false")
            told[name] = update[name]
    if "prices" in update:
        if update.get("currency") != currency:
            raise EngineError(422, "wrong_currency", f"prices of this rate plan are in {currency}")
        told["prices"] = _prices(update["prices"])
    if not told:
        raise EngineError(422, "invalid", "the update says nothing")
    return told


def _prices(told: object) -> Json:
    if not isinstance(told, dict) or not told:
        raise EngineError(422, "invalid", "prices must name an amount by number of adults")
    for adults, amount in told.items():
        try:
            good = adults.isdecimal() and isinstance(amount, str) and Decimal(amount) >= 0
        except InvalidOperation:
            good = False
        if not good:
            raise EngineError(422, "invalid", "a price must be a decimal string, 0 or more")
    return dict(told)


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 100_000


def read(state: State, hotel_id: str, first: str, last: str) -> list[Json]:
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise EngineError(422, "invalid_dates", "from and to must be dates") from None
    if end < begin or end - begin > timedelta(days=HORIZON_DAYS):
        raise EngineError(422, "invalid_dates", "to must not be before from, nor too far behind it")
    days: list[Json] = []
    for offset in range((end - begin).days + 1):
        night = (begin + timedelta(days=offset)).isoformat()
        for room_id, room in state["hotels"][hotel_id]["rooms"].items():
            left = state["available"].get(room_id, {}).get(night, 0)
            days.append({"date": night, "room_type_id": room_id, "available": left})
            days += [
                {"date": night, "room_type_id": room_id, "rate_plan_id": rate_id, **terms_on(state, rate_id, night)}
                for rate_id in room["rates"]
            ]
    return days


def unsellable(state: State, rooms: list[Json]) -> str:
    """Why these rooms are not for sale together; empty when they are."""
    taken: dict[tuple[str, str], int] = {}
    for room in rooms:
        stay = _stay_nights(room)
        for night in stay:
            place = room["room_type_id"], night
            taken[place] = taken.get(place, 0) + 1
        if reason := _against_rules(state, room, stay):
            return reason
    for (room_id, night), count in taken.items():
        if state["available"].get(room_id, {}).get(night, 0) < count:
            return f"sold out on {night}"
    return ""


def _against_rules(state: State, room: Json, stay: list[str]) -> str:
    rate = room["rate_plan_id"]
    for night in stay:
        terms = terms_on(state, rate, night)
        if terms["stop_sell"]:
            return f"closed on {night}"
        if price_on(state, rate, night, room["adults"]) is None:
            return f"no price on {night}"
        if terms["min_stay_through"] > len(stay):
            return f"minimum stay through {night}"
    arrival = terms_on(state, rate, stay[0])
    if arrival["closed_to_arrival"]:
        return f"closed to arrival on {stay[0]}"
    if terms_on(state, rate, room["check_out_date"])["closed_to_departure"]:
        return f"closed to departure on {room['check_out_date']}"
    if arrival["min_stay_arrival"] > len(stay):
        return f"minimum stay on arrival {stay[0]}"
    return f"maximum stay {arrival['max_stay']}" if 0 < arrival["max_stay"] < len(stay) else ""


def price_on(state: State, rate_id: str, night: str, adults: int) -> Decimal | None:
    """For that many adults, or the most that has a price; None where none has."""
    prices: dict[str, Any] = terms_on(state, rate_id, night)["prices"]
    if not prices:
        return None
    fitting = [count for count in map(int, prices) if count >= adults]
    found = Decimal(prices[str(min(fitting) if fitting else max(map(int, prices)))])
    return found if found > 0 else None


def _stay_nights(room: Json) -> list[str]:
    first, end = date.fromisoformat(room["check_in_date"]), date.fromisoformat(room["check_out_date"])
    return [(first + timedelta(days=offset)).isoformat() for offset in range((end - first).days)]


def move_stock(state: State, rooms: list[Json], by: int) -> None:
    """The engine counts what it sells itself; what it is told of Innsync's sales moves nothing."""
    for room in rooms:
        held = state["available"].setdefault(room["room_type_id"], {})
        for night in _stay_nights(room):
            held[night] = max(0, held.get(night, 0) + by)
