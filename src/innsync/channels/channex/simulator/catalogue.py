"""Properties, room types and rate plans: how they come to be, and how the API shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from innsync.channels.channex.simulator.state import ACCOUNTS, SETTINGS, Json, State, fixed_id, money
from innsync.integrations.simulation.world import PropertySpec, RateSpec, RoomSpec

RESTRICTIONS: Json = {
    "min_stay_arrival": 1,
    "min_stay_through": 1,
    "max_stay": 0,
    "closed_to_arrival": False,
    "closed_to_departure": False,
    "stop_sell": False,
}


def create_property(state: State, spec: PropertySpec) -> dict[str, Any]:
    """A property with its rooms and plans, without availability and prices; the same code answers the same ids."""
    property_id = state["codes"].setdefault(spec.code, fixed_id("property", spec.code))
    if property_id not in state["properties"]:
        settings = SETTINGS | {name: value for name, value in spec.settings.items() if name in SETTINGS}
        owner = spec.settings.get("api_key", next(iter(ACCOUNTS)))
        state["properties"][property_id] = {
            "code": spec.code,
            "title": spec.name,
            "currency": spec.currency,
            "timezone": spec.time_zone,
            "owner": state["keys"][owner],
            "settings": settings,
            "clear_cards": spec.settings.get("card_data") == "clear",
            "messages": spec.settings.get("messages", True),
        }
    for room in spec.rooms:
        _create_room(state, property_id, spec.currency, room)
    return {"id": property_id, "rooms": {room.code: _ids(property_id, room) for room in spec.rooms}}


def _ids(property_id: str, room: RoomSpec) -> Json:
    return {
        "id": fixed_id(property_id, room.code),
        "rates": {rate.code: fixed_id(property_id, room.code, rate.code) for rate in room.rates},
    }


def _create_room(state: State, property_id: str, currency: str, room: RoomSpec) -> None:
    room_id = fixed_id(property_id, room.code)
    if room_id not in state["rooms"]:
        state["rooms"][room_id] = {
            "code": room.code,
            "title": room.name,
            "property_id": property_id,
            "count": room.count,
            "adults": room.max_adults,
            "children": room.max_children,
        }
        state["availability"][room_id] = {}
    own = next((rate.code for rate in room.rates if not rate.read_only), None)
    for rate in room.rates:
        parent = fixed_id(property_id, room.code, own) if rate.read_only and own else None
        _create_plan(state, property_id, room_id, currency, room, rate, parent)


def _create_plan(
    state: State, property_id: str, room_id: str, currency: str, room: RoomSpec, rate: RateSpec, parent: str | None
) -> None:
    plan_id = fixed_id(property_id, room.code, rate.code)
    if plan_id in state["plans"]:
        return
    per_person = len(rate.occupancies) > 1
    occupancies = sorted(rate.occupancies) if per_person else [max(rate.occupancies, default=room.max_adults)]
    primary = occupancies[-1]
    options = [
        {
            "id": plan_id if occupancy == primary else fixed_id(plan_id, str(occupancy)),
            "occupancy": occupancy,
            "is_primary": occupancy == primary,
        }
        for occupancy in [primary, *(occupancy for occupancy in occupancies if occupancy != primary)]
    ]
    state["plans"][plan_id] = {
        "code": rate.code,
        "title": rate.name,
        "property_id": property_id,
        "room_type_id": room_id,
        "sell_mode": "per_person" if per_person else "per_room",
        "rate_mode": "derived" if parent else "manual",
        "parent": parent,
        "currency": rate.currency or currency,
        "options": options,
    }
    state["restrictions"][plan_id] = {}
    for option in options:
        state["options"][option["id"]] = plan_id
        state["rates"][option["id"]] = {}


def plans_of(state: State, room_id: str) -> list[tuple[str, Json]]:
    return [(plan_id, plan) for plan_id, plan in state["plans"].items() if plan["room_type_id"] == room_id]


def option_for(plan: Json, adults: int) -> Json:
    """The option whose price that many adults pay: their own, else the next larger, else the largest."""
    by_size = sorted(plan["options"], key=lambda option: int(option["occupancy"]))
    found: Json = next((option for option in by_size if option["occupancy"] >= adults), by_size[-1])
    return found


def rate_on(state: State, option_id: str, night: str) -> str:
    """The price of a night; of a derived plan that of its parent less ten in a hundred."""
    plan = state["plans"][state["options"][option_id]]
    if plan["parent"]:
        occupancy = next(option["occupancy"] for option in plan["options"] if option["id"] == option_id)
        parent = state["plans"][plan["parent"]]
        price = Decimal(rate_on(state, option_for(parent, occupancy)["id"], night))
        return money(price * Decimal("0.9"), plan["currency"])
    return str(state["rates"][option_id].get(night, money(Decimal(0), plan["currency"])))


def restriction_on(state: State, plan_id: str, night: str, field: str) -> Any:
    return state["restrictions"][plan_id].get(night, {}).get(field, RESTRICTIONS[field])


def show_property(property_id: str, prop: Json) -> Json:
    attributes = {
        "id": property_id,
        "title": prop["title"],
        "currency": prop["currency"],
        "timezone": prop["timezone"],
        "property_type": "hotel",
        "is_active": True,
        "acc_channels_count": 1,
        "max_count_of_room_types": 50,
        "max_count_of_rate_plans": 400,
        "max_count_of_occupancies": 10,
        "settings": prop["settings"],
    }
    return {"type": "property", "id": property_id, "attributes": attributes, "relationships": {}}


def show_room(room_id: str, room: Json) -> Json:
    attributes = {
        "id": room_id,
        "title": room["title"],
        "count_of_rooms": room["count"],
        "occ_adults": room["adults"],
        "occ_children": room["children"],
        "occ_infants": 0,
        "default_occupancy": room["adults"],
        "room_kind": "room",
        "capacity": None,
        "facilities": [],
        "content": {"description": None, "photos": []},
    }
    owner = {"property": {"data": {"type": "property", "id": room["property_id"]}}}
    return {"type": "room_type", "id": room_id, "attributes": attributes, "relationships": owner}


def show_plan(plan_id: str, plan: Json) -> Json:
    derived = plan["parent"] is not None
    attributes = {
        "id": plan_id,
        "title": plan["title"],
        "sell_mode": plan["sell_mode"],
        "rate_mode": plan["rate_mode"],
        "currency": plan["currency"],
        "parent_rate_plan_id": plan["parent"],
        "children_fee": "0.00",
        "infant_fee": "0.00",
        "meal_type": "none",
        "options": [_show_option(option, derived) for option in plan["options"]],
        **{name: [value] * 7 for name, value in RESTRICTIONS.items()},
        **{f"inherit_{name}": False for name in RESTRICTIONS},
        "inherit_rate": derived,
        "auto_rate_settings": None,
        "ui_read_only": False,
    }
    relationships = {
        "property": {"data": {"type": "property", "id": plan["property_id"]}},
        "room_type": {"data": {"type": "room_type", "id": plan["room_type_id"]}},
    }
    return {"type": "rate_plan", "id": plan_id, "attributes": attributes, "relationships": relationships}


def _show_option(option: Json, derived: bool) -> Json:
    rule = {"rate": [["decrease_by_percent", "10"]]} if derived else {"rate": []}
    return {
        **option,
        "rate": "0.00",
        "derived_option": rule if derived or not option["is_primary"] else None,
        "inherit_rate": derived,
        "rate_category_id": None,
    }
