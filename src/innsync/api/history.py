"""What changed in a booking, by the names and in the amounts of its own answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from innsync.api import shapes
from innsync.api.answers import amount, instant, money
from innsync.apps.rates.selectors import House
from innsync.apps.reservations.history import Entry, list_entries
from innsync.apps.reservations.records import Record
from innsync.domain.booking_state import BookingStatus
from innsync.domain.difference import FieldChange, difference

Json = dict[str, Any]
_SAME = ("status", "channel", "check_in", "check_out", "guest", "currency", "special_requests")
_OWED_AT = {BookingStatus.CANCELLED.value: "cancellation", BookingStatus.NO_SHOW.value: "no_show"}
_NOTHING_OWED: Json = {"fee": None, "refund_due": None}


def history(house: House, record: Record) -> list[Json]:
    """Every state of the booking, the oldest first; from inside its organization's transaction."""
    return [
        {
            "number": entry.number,
            "at": instant(entry.at),
            "actor": entry.actor,
            "action": entry.action,
            "changes": _changes(house, entry),
            "summary": entry.sentences,
        }
        for entry in list_entries(property_id=record.property_id, booking_id=record.id)
    ]


def _changes(house: House, entry: Entry) -> list[Json]:
    if not entry.before:
        return []
    before, after = _picture(house, entry.before), _picture(house, entry.after)
    return [_shown(change, before, after).to_json() for change in difference(before, after)]


def _picture(house: House, snapshot: Mapping[str, Any]) -> Json:
    """What a revision kept, as the booking's answer has it; what that does not have is left out."""
    currency, total_minor = snapshot["currency"], snapshot["total_minor"]
    charges = [(line["kind"], _charge(line, currency)) for line in snapshot["charges"]]
    fee_minor = snapshot.get("cancellation_fee_minor")
    owed = _NOTHING_OWED
    if fee_minor is not None:
        owed = {"fee": money(fee_minor, currency), "refund_due": money(total_minor - fee_minor, currency)}
    owed_at = _OWED_AT.get(snapshot["status"])
    return {
        **{name: snapshot[name] for name in _SAME},
        "total": money(total_minor, currency),
        "taxes": [charge for kind, charge in charges if kind == "tax"],
        "fees": [charge for kind, charge in charges if kind == "fee"],
        **{place: owed if place == owed_at else _NOTHING_OWED for place in _OWED_AT.values()},
        "rooms": [_room(house, room, currency) for room in snapshot["rooms"]],
    }


def _charge(line: Mapping[str, Any], currency: str) -> Json:
    return {
        "code": line["code"],
        "name": line["name"],
        "amount": amount(line["minor"], currency),
        "currency": currency,
        "included": line["included"],
    }


def _room(house: House, room: Mapping[str, Any], currency: str) -> Json:
    """One room. Its `id` is for the comparison, which tells rooms apart by it, and is not shown."""
    room_type = house.room_type(room["room_type_id"])
    plan = house.plan(room["rate_plan_id"]) if room["rate_plan_id"] else None
    nights = shapes.nights(date.fromisoformat(room["check_in"]), room["nightly_minor"], currency)
    return {
        "id": room["id"],
        "room_stay_id": room["id"],
        "room_type_id": room["room_type_id"],
        "room_type_code": room_type.code if room_type else "",
        "rate_plan_id": room["rate_plan_id"],
        "rate_plan_code": plan.code if plan else None,
        "check_in": room["check_in"],
        "check_out": room["check_out"],
        "adults": room["adults"],
        "children": len(room["child_ages"]),
        "child_ages": room["child_ages"],
        "guest_name": room["guest_name"],
        "nightly": [night | {"currency": currency} for night in nights],
        "total": money(room["total_minor"], currency),
        "promotion": room.get("promotion"),
    }


def _shown(change: FieldChange, before: Json, after: Json) -> FieldChange:
    """The change with its room by position, and with its amounts as money: no currency stands beside them here."""
    steps = change.path.split("/")[1:]
    if steps[0] == "rooms" and len(steps) > 1:
        steps[1] = _position(steps[1].removeprefix("id="), after["rooms"], before["rooms"])
    values = [_value(steps, *one) for one in ((change.before, before), (change.after, after))]
    return FieldChange("/" + "/".join(steps), *values)


def _position(room_id: str, *states: list[Json]) -> str:
    """Where the room stands in the first of these that has it."""
    return next(str(index) for rooms in states for index, room in enumerate(rooms) if room["id"] == room_id)


def _value(steps: list[str], value: object, picture: Json) -> object:
    if steps[-1] == "amount" and isinstance(value, str):
        return {"amount": value, "currency": picture["currency"]}
    if steps[0] == "rooms" and len(steps) == 2 and isinstance(value, Mapping):
        return {name: member for name, member in value.items() if name != "id"}
    return value
