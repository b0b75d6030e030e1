"""Availability, prices and restrictions: what is taken, what is refused with a warning inside a 200, what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from innsync.channels.channex.simulator.catalogue import RESTRICTIONS, rate_on, restriction_on
from innsync.channels.channex.simulator.state import (
    ApiError,
    Json,
    State,
    bad_request,
    belongs_to,
    digits,
    horizon,
    instant,
    money,
    new_id,
    nights,
    today_at,
)

MAX_BODY_BYTES = 10_000_000
MAX_TASKS = 10_000
WINDOW_S = 60.0
WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_DATE_FIELDS = frozenset({"property_id", "date", "date_from", "date_to"})
_AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)
_NULL = "Should be a non null value or not existed field"
_READABLE = frozenset({"availability", "rate", "availability_offset", "max_availability", *RESTRICTIONS})


class Refusal(Exception):
    """An entry that is refused: Channex's own field names to texts."""

    def __init__(self, **reasons: str) -> None:
        super().__init__(str(reasons))
        self.reasons = {name: [text] for name, text in reasons.items()}


def count_call(state: State, kind: str, property_ids: set[str], limit: int | None, now: datetime) -> None:
    """Raises the 429 when one of the properties had its calls of this minute."""
    if limit is None:
        return
    for property_id in sorted(property_ids):
        name = f"{kind}:{property_id}"
        since = now.timestamp() - WINDOW_S
        recent = [moment for moment in state["calls"].get(name, ()) if moment > since]
        state["calls"][name] = recent
        if len(recent) >= limit:
            raise ApiError(429, "http_too_many_requests", "Too Many Requests")
    for property_id in property_ids:
        state["calls"][f"{kind}:{property_id}"].append(now.timestamp())


def entries_of(body: object) -> list[Json]:
    values = body.get("values") if isinstance(body, dict) else None
    if not isinstance(values, list) or not values or not all(isinstance(entry, dict) for entry in values):
        raise bad_request("values is required")
    return values


def write(state: State, kind: str, user_id: str, entries: list[Json], now: datetime) -> Json:
    """Apply the entries in their order, each wholly or not at all. One task for what was taken."""
    apply: Callable[[State, str, Json, datetime], None] = (
        _write_availability if kind == "availability" else _write_restrictions
    )
    warnings = []
    taken = 0
    for entry in entries:
        try:
            apply(state, user_id, entry, now)
            taken += 1
        except Refusal as refusal:
            warnings.append({"warning": refusal.reasons, **entry})
    data = [{"id": _task(state, kind, taken, now), "type": "task"}] if taken else []
    meta: Json = {"message": "Success"}
    if warnings:
        meta["warnings"] = warnings
    return {"data": data, "meta": meta}


def _task(state: State, kind: str, taken: int, now: datetime) -> str:
    task_id = new_id(state, "task")
    tasks = state["tasks"]
    tasks[task_id] = {"kind": kind, "entries": taken, "inserted_at": instant(state, now)}
    if len(tasks) > MAX_TASKS:
        del tasks[next(iter(tasks))]
    return task_id


def show_task(task_id: str, task: Json) -> Json:
    attributes = {"id": task_id, "success": True, "errors": [], "inserted_at": task["inserted_at"]}
    return {"type": "task", "id": task_id, "attributes": attributes}


# --- writing


def _write_availability(state: State, user_id: str, entry: Json, now: datetime) -> None:
    _refuse_unknown(entry, _DATE_FIELDS | {"room_type_id", "availability"})
    prop = _property(state, user_id, entry)
    room = state["rooms"].get(entry.get("room_type_id"))
    if room is None or room["property_id"] != entry["property_id"]:
        raise Refusal(room_type_id="is invalid")
    days = _days(entry, prop, now)
    if entry.get("availability", "") is None:
        raise Refusal(availability=_NULL)
    count = entry.get("availability")
    if not isinstance(count, int) or isinstance(count, bool):
        raise Refusal(availability="is invalid")
    if count < 0:
        raise Refusal(availability="must be greater than or equal to 0")
    held = state["availability"][entry["room_type_id"]]
    for night in days:
        held[night] = count


def _write_restrictions(state: State, user_id: str, entry: Json, now: datetime) -> None:
    fields = {"rate", "rates", "min_stay", *RESTRICTIONS}
    _refuse_unknown(entry, _DATE_FIELDS | {"rate_plan_id", "days"} | fields)
    prop = _property(state, user_id, entry)
    plan = state["plans"].get(entry.get("rate_plan_id"))
    if plan is None or plan["property_id"] != entry["property_id"]:
        raise Refusal(rate_plan_id="is invalid")
    days = _days(entry, prop, now)
    given = {name: value for name, value in entry.items() if name in fields}
    if not given:
        raise Refusal(restrictions="at least one restriction should be present")
    for name, value in given.items():
        if value is None:
            raise Refusal(**{name: _NULL})
    values = _restrictions(given, prop)
    rates = _rates(given, plan)
    for night in days:
        state["restrictions"][entry["rate_plan_id"]].setdefault(night, {}).update(values)
        for option_id, rate in rates.items():
            state["rates"][option_id][night] = rate


def _refuse_unknown(entry: Json, known: set[str] | frozenset[str]) -> None:
    for name in entry:
        if name not in known:
            raise Refusal(**{name: "is unknown"})


def _property(state: State, user_id: str, entry: Json) -> Json:
    if not belongs_to(state, user_id, entry.get("property_id")):
        raise Refusal(property_id="is invalid")
    prop: Json = state["properties"][entry["property_id"]]
    return prop


def _days(entry: Json, prop: Json, now: datetime) -> list[str]:
    if ("date" in entry) == ("date_from" in entry or "date_to" in entry):
        raise Refusal(date="either date or date_from and date_to is required")
    if "date" in entry:
        first = last = _date(entry, "date")
    else:
        first, last = _date(entry, "date_from"), _date(entry, "date_to")
    name = "date" if "date" in entry else "date_from"
    if first > last:
        raise Refusal(date_to="should be equal or greater than date_from")
    if first < today_at(prop, now):
        raise Refusal(**{name: "past dates are not allowed"})
    if last > horizon(prop, now):
        raise Refusal(**{"date" if name == "date" else "date_to": "is behind the property's state length"})
    return [night for night in nights(first, last) if _on_weekday(night, entry)]


def _date(entry: Json, name: str) -> date:
    value = entry.get(name)
    if not isinstance(value, str) or len(value) != 10:
        raise Refusal(**{name: "is invalid"})
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Refusal(**{name: "is invalid"}) from None


def _on_weekday(night: str, entry: Json) -> bool:
    if "days" not in entry:
        return True
    days = entry["days"]
    if not isinstance(days, list) or not days or not set(days) <= set(WEEKDAYS):
        raise Refusal(days="is invalid")
    return WEEKDAYS[date.fromisoformat(night).weekday()] in days


def _restrictions(given: Json, prop: Json) -> Json:
    values: Json = {}
    for name, value in given.items():
        if name in ("min_stay_arrival", "min_stay_through", "min_stay"):
            values |= _min_stay(name, _number(name, value, least=1), prop)
        elif name == "max_stay":
            values[name] = _number(name, value, least=0)
        elif name not in ("rate", "rates"):
            if value not in (True, False, 0, 1) or isinstance(value, float):
                raise Refusal(**{name: "is invalid"})
            values[name] = bool(value)
    return values


def _min_stay(name: str, value: int, prop: Json) -> Json:
    if name != "min_stay":
        return {name: value}
    kind = prop["settings"]["min_stay_type"]
    if kind == "both":
        raise Refusal(
            min_stay="property doesn't support `min_stay` restriction, "
            "please use `min_stay_through` or `min_stay_arrival`"
        )
    return {f"min_stay_{kind}": value}


def _number(name: str, value: object, *, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(**{name: "is invalid"})
    if value < least:
        raise Refusal(**{name: "must be greater than 0" if least else "must be greater than or equal to 0"})
    return value


def _rates(given: Json, plan: Json) -> dict[str, str]:
    """Prices by option. A bare `rate` is the first option's alone; the others keep what they have."""
    if ("rate" in given or "rates" in given) and plan["parent"]:
        raise Refusal(rate="is derived from another rate plan")
    by_occupancy = {option["occupancy"]: option for option in plan["options"]}
    rates: dict[str, str] = {}
    if "rate" in given:
        primary = next(option for option in plan["options"] if option["is_primary"])
        rates[primary["id"]] = _price("rate", given["rate"], plan["currency"])
    for line in _lines(given.get("rates", [])):
        option = by_occupancy.get(line.get("occupancy"))
        if option is None:
            raise Refusal(rates=f"occupancy {line.get('occupancy')} is not an option of the rate plan")
        rates[option["id"]] = _price("rates", line.get("rate"), plan["currency"])
    return rates


def _lines(value: object) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(line, dict) for line in value):
        raise Refusal(rates="is invalid")
    return value


def _price(name: str, value: Any, currency: str) -> str:
    """A decimal string, or minor units as a whole number."""
    if isinstance(value, bool) or not isinstance(value, str | int) or not _AMOUNT.fullmatch(str(value)):
        raise Refusal(**{name: "is invalid"})
    amount = Decimal(value) if isinstance(value, str) else Decimal(value).scaleb(-digits(currency))
    if amount != round(amount, digits(currency)):
        raise Refusal(**{name: "is invalid"})
    if amount <= 0:
        raise Refusal(**{name: "must be greater than 0"})
    return money(amount, currency)


# --- reading


def read_availability(state: State, property_id: str, first: date, last: date, now: datetime) -> Json:
    days = nights(first, min(last, horizon(state["properties"][property_id], now)))
    return {
        room_id: {night: state["availability"][room_id].get(night, 0) for night in days}
        for room_id, room in state["rooms"].items()
        if room["property_id"] == property_id
    }


def read_restrictions(
    state: State, property_id: str, first: date, last: date, fields: list[str], now: datetime
) -> Json:
    unknown = [field for field in fields if field not in _READABLE]
    if unknown:
        raise bad_request(f"restrictions {', '.join(unknown)} is invalid")
    days = nights(first, min(last, horizon(state["properties"][property_id], now)))
    found: Json = {}
    for option_id, plan_id in state["options"].items():
        plan = state["plans"][plan_id]
        if plan["property_id"] == property_id:
            found[option_id] = {night: _show_day(state, plan_id, plan, option_id, night, fields) for night in days}
    return found


def _show_day(state: State, plan_id: str, plan: Json, option_id: str, night: str, fields: list[str]) -> Json:
    available = state["availability"][plan["room_type_id"]].get(night, 0)
    day: Json = {}
    for field in fields:
        if field == "availability":
            day[field] = available
            day["unavailable_reasons"] = []
        elif field == "rate":
            day[field] = rate_on(state, option_id, night)
        elif field == "availability_offset":
            day[field] = 0
        elif field == "max_availability":
            day[field] = None
        else:
            day[field] = restriction_on(state, plan_id, night, field)
    if day.get("stop_sell") is False and available == 0:
        day["stop_sell"] = True  # as observed: a night without rooms reads as closed
    return day
