"""Bookings in the engine's store: made, changed and cancelled by its guests, or told by Innsync."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from innsync.channels.booking_engine.simulator import ari
from innsync.channels.booking_engine.simulator.state import EngineError, Json, State, instant, nights
from innsync.integrations.simulation.world import Refused, Stay

FALLBACK_PRICE = Decimal(100)
STATUSES = ("confirmed", "checked_in", "checked_out", "cancelled", "no_show")
_CHANGEABLE = ("room", "rate", "check_in", "check_out", "adults", "child_ages", "guest", "special_requests")


def show(state: State, booking: Json) -> Json:
    """A booking as the engine tells it."""
    hotel = state["hotels"][booking["hotel"]]
    return {
        "booking_id": booking["id"],
        "innsync_id": booking["innsync_id"],
        "innsync_version": booking["told"]["version"] if booking["told"] else None,
        "unchanged": bool(booking["told"]) and booking["told"]["became"] == booking["version"],
        "source": booking["source"],
        "status": booking["status"],
        "version": booking["version"],
        "updated_at": booking["updated_at"],
        "property": {"id": booking["hotel"], "code": hotel["code"]},
        "guest": booking["guest"],
        "check_in_date": min(room["check_in_date"] for room in booking["rooms"]),
        "check_out_date": max(room["check_out_date"] for room in booking["rooms"]),
        "guest_count": sum(room["adults"] + len(room["child_ages"]) for room in booking["rooms"]),
        "rooms": booking["rooms"],
        "currency": booking["currency"],
        "total_amount": booking["total_amount"],
        "special_requests": booking["special_requests"],
    }


# --- guests


def create(state: State, stay: Stay, *, force: bool, now: datetime) -> Json:
    """Raises Refused(404) for unknown codes, 409 when it is not for sale."""
    hotel_id = hotel_of(state, stay.property)
    room_id, rate_id = product(state, hotel_id, stay.room, stay.rate)
    state["counter"] += 1
    booking: Json = {
        "id": f"E{state['counter']}",
        "hotel": hotel_id,
        "innsync_id": None,
        "told": None,
        "source": "booking-engine",
        "status": "confirmed",
        "version": 0,
        "acknowledged": 0,
        "guest": dict(stay.guest),
        "special_requests": stay.special_requests,
        "currency": state["hotels"][hotel_id]["rooms"][room_id]["rates"][rate_id]["currency"]
        or state["hotels"][hotel_id]["currency"],
        "rooms": [
            {
                "ref": str(place),
                "room_type_id": room_id,
                "rate_plan_id": rate_id,
                "check_in_date": stay.check_in.isoformat(),
                "check_out_date": stay.check_out.isoformat(),
                "adults": stay.adults,
                "child_ages": list(stay.child_ages),
                "guest_name": stay.guest.get("name", ""),
            }
            for place in range(1, stay.rooms + 1)
        ],
    }
    if not force and (reason := ari.unsellable(state, booking["rooms"])):
        raise Refused(reason, 409)
    ari.move_stock(state, booking["rooms"], -1)
    _price(state, booking)
    state["bookings"][booking["id"]] = booking
    touch(booking, now)
    return booking


def change(state: State, booking: Json, changes: Mapping[str, Any], now: datetime) -> None:
    if booking["status"] == "cancelled":
        raise Refused("the booking is cancelled", 409)
    if unknown := sorted(set(changes) - set(_CHANGEABLE)):
        raise Refused(f"a guest cannot change {', '.join(unknown)}")
    rooms = [_changed_room(state, booking, room, changes) for room in booking["rooms"]]
    ari.move_stock(state, booking["rooms"], 1)
    booking["rooms"] = rooms
    ari.move_stock(state, rooms, -1)
    booking["guest"] = {**booking["guest"], **changes.get("guest", {})}
    booking["special_requests"] = changes.get("special_requests", booking["special_requests"])
    _price(state, booking)
    touch(booking, now)


def _changed_room(state: State, booking: Json, room: Json, changes: Mapping[str, Any]) -> Json:
    """The room as it will be; the one that was stays as it is, should the change be refused."""
    after = dict(room)
    for name in ("check_in", "check_out"):
        if name in changes:
            value = changes[name]
            after[f"{name}_date"] = value.isoformat() if isinstance(value, date) else str(value)
    if after["check_out_date"] <= after["check_in_date"]:
        raise Refused("check-out is not after check-in")
    if "room" in changes or "rate" in changes:
        room_code, rate_code = codes_of(state, booking)
        after["room_type_id"], after["rate_plan_id"] = product(
            state, booking["hotel"], changes.get("room", room_code), changes.get("rate", rate_code)
        )
    after["adults"] = changes.get("adults", after["adults"])
    after["child_ages"] = list(changes.get("child_ages", after["child_ages"]))
    return after


def cancel(state: State, booking: Json, now: datetime) -> bool:
    """Answers whether that changed anything."""
    if booking["status"] == "cancelled":
        return False
    ari.move_stock(state, booking["rooms"], 1)
    booking["status"] = "cancelled"
    touch(booking, now)
    return True


def touch(booking: Json, now: datetime) -> None:
    booking["version"] += 1
    booking["updated_at"] = instant(now)


def _price(state: State, booking: Json) -> None:
    total = Decimal(0)
    for room in booking["rooms"]:
        found = [
            ari.price_on(state, room["rate_plan_id"], night, room["adults"]) or FALLBACK_PRICE
            for night in nights(room["check_in_date"], room["check_out_date"])
        ]
        room["nightly"] = [str(price) for price in found]
        room["total"] = str(sum(found, Decimal(0)))
        total += sum(found, Decimal(0))
    booking["total_amount"] = str(total)


# --- the ways into the store


def hotel_of(state: State, code: str) -> str:
    if code not in state["codes"]:
        raise Refused(f"there is no property {code}", 404)
    return str(state["codes"][code])


def product(state: State, hotel_id: str, room: str, rate: str) -> tuple[str, str]:
    for room_id, kind in state["hotels"][hotel_id]["rooms"].items():
        for rate_id, plan in kind["rates"].items():
            if (kind["code"], plan["code"]) == (room, rate):
                return room_id, rate_id
    raise Refused(f"there is no {room} at {rate}", 404)


def codes_of(state: State, booking: Json) -> tuple[str, str]:
    """The codes of its first room and rate; empty where Innsync told a booking without a rate."""
    room = booking["rooms"][0]
    kind = state["hotels"][booking["hotel"]]["rooms"][room["room_type_id"]]
    rate = kind["rates"].get(room.get("rate_plan_id"))
    return kind["code"], rate["code"] if rate else ""


def find(state: State, reference: str) -> Json:
    if reference not in state["bookings"]:
        raise Refused(f"there is no booking {reference}", 404)
    found: Json = state["bookings"][reference]
    return found


# --- what Innsync tells


def put(state: State, hotel_id: str, innsync_id: str, told: object, now: datetime) -> tuple[int, Json, Json]:
    """A booking's state as Innsync has it: made, changed or cancelled here by that. Answers status, answer, booking.

    Raises EngineError: 409 where the engine holds a version that Innsync has not seen, 422 for what makes no sense.
    """
    if not isinstance(told, dict):
        raise EngineError(422, "invalid", "the body must be an object")
    version = told.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise EngineError(422, "invalid", "version must be a whole number above 0")
    known = state["by_innsync"].get(innsync_id) or told.get("booking_id")
    booking = state["bookings"].get(known) if isinstance(known, str) else None
    if booking is not None and booking["hotel"] != hotel_id:
        booking = None
    if booking is None and told.get("booking_id"):
        raise EngineError(422, "unknown_booking", "there is no booking of that booking_id")
    if booking is not None and booking["told"] is not None and _is_repeat(booking["told"], version, told.get("base")):
        return 200, _taken(booking, booking["told"]["became"]), booking
    if booking is not None and told.get("base") != booking["version"]:
        raise EngineError(409, "changed_there", "the booking was changed here meanwhile", booking=show(state, booking))
    said = _said(state, hotel_id, told)
    status = 200
    if booking is None:
        status = 201
        state["counter"] += 1
        booking = {"id": f"E{state['counter']}", "hotel": hotel_id, "version": 0, "told": None}
        state["bookings"][booking["id"]] = booking
    booking.update(said, innsync_id=innsync_id)
    state["by_innsync"][innsync_id] = booking["id"]
    touch(booking, now)
    booking["acknowledged"] = booking["version"]
    booking["told"] = {"version": version, "base": told.get("base"), "became": booking["version"]}
    return status, _taken(booking, booking["version"]), booking


def _is_repeat(last: Json, version: int, base: object) -> bool:
    """The same said again, or something older than what was said since."""
    return bool(version < last["version"] or (version, base) == (last["version"], last["base"]))


def _taken(booking: Json, became: int) -> Json:
    """became: its version once that was told, whatever happened to it since."""
    return {"booking_id": booking["id"], "version": became}


def _said(state: State, hotel_id: str, told: Json) -> Json:
    rooms = told.get("rooms")
    if not isinstance(rooms, list) or not rooms:
        raise EngineError(422, "invalid", "rooms must be a list of one or more")
    if told.get("status") not in STATUSES:
        raise EngineError(422, "invalid", f"status must be one of {', '.join(STATUSES)}")
    for room in rooms:
        kinds = state["hotels"][hotel_id]["rooms"]
        kind = kinds.get(room.get("room_type_id")) if isinstance(room, dict) else None
        if kind is None:
            raise EngineError(422, "unknown_room_type", "this hotel has no such room type")
        if room.get("rate_plan_id") and room["rate_plan_id"] not in kind["rates"]:
            raise EngineError(422, "unknown_rate_plan", "this room type has no such rate plan")
        try:
            lasts = date.fromisoformat(room["check_out_date"]) - date.fromisoformat(room["check_in_date"])
        except (KeyError, TypeError, ValueError):
            raise EngineError(422, "invalid_dates", "check_in_date and check_out_date must be dates") from None
        if lasts.days < 1 or not isinstance(room.get("adults"), int):
            raise EngineError(422, "invalid", "a room must have a night and an adult")
    guest = told.get("guest")
    if not isinstance(guest, dict) or not guest.get("name"):
        raise EngineError(422, "invalid", "guest.name must be given")
    return {
        "source": str(told.get("source") or "innsync"),
        "status": told["status"],
        "guest": guest,
        "special_requests": str(told.get("special_requests") or ""),
        "currency": str(told.get("currency") or ""),
        "total_amount": str(told.get("total_amount") or "0"),
        "rooms": [{"child_ages": [], "guest_name": "", **room} for room in rooms],
    }
