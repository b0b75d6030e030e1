"""Is a stay for sale at the sites behind Channex: rooms left, prices, restrictions."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from innsync.channels.channex.simulator.catalogue import option_for, plans_of, rate_on, restriction_on
from innsync.channels.channex.simulator.state import Json, State, fixed_id, nights
from innsync.integrations.simulation.world import Refused


def nights_of(stay: Json) -> list[str]:
    return nights(date.fromisoformat(stay["check_in"]), date.fromisoformat(stay["check_out"]) - timedelta(days=1))


def product(state: State, property_id: str, stay: Json) -> tuple[str | None, str | None]:
    """The room type and the plan of those codes, None where Channex has none, or none mapped to the site's room."""
    if stay["guest"].get("unmapped"):
        return None, None
    room_id = fixed_id(property_id, stay["room"])
    if room_id not in state["rooms"]:
        return None, None
    plan_id = next((found for found, plan in plans_of(state, room_id) if plan["code"] == stay["rate"]), None)
    return room_id, plan_id


def refuse_unsellable(state: State, property_id: str, stay: Json, *, force: bool) -> None:
    room_id, plan_id = product(state, property_id, stay)
    if force or stay["guest"].get("unmapped"):
        return
    if room_id is None or plan_id is None:
        raise Refused(f"there is no {stay['room']} at {stay['rate']}", 404)
    reason = unsellable(state, room_id, plan_id, stay)
    if reason:
        raise Refused(reason, 409)


def unsellable(state: State, room_id: str, plan_id: str, stay: Json) -> str:
    """Why that stay is not for sale; empty when it is."""
    days = nights_of(stay)
    count = stay["count"]
    option = option_for(state["plans"][plan_id], stay["adults"])
    for night in days:
        if state["availability"][room_id].get(night, 0) < count:
            return f"sold out on {night}"
        if restriction_on(state, plan_id, night, "stop_sell"):
            return f"closed on {night}"
        if Decimal(rate_on(state, option["id"], night)) <= 0:
            return f"no price on {night}"
        if restriction_on(state, plan_id, night, "min_stay_through") > len(days):
            return f"minimum stay through {night}"
    if restriction_on(state, plan_id, days[0], "closed_to_arrival"):
        return f"closed to arrival on {days[0]}"
    if restriction_on(state, plan_id, stay["check_out"], "closed_to_departure"):
        return f"closed to departure on {stay['check_out']}"
    if restriction_on(state, plan_id, days[0], "min_stay_arrival") > len(days):
        return f"minimum stay on arrival {days[0]}"
    longest = restriction_on(state, plan_id, days[0], "max_stay")
    return f"maximum stay {longest}" if 0 < longest < len(days) else ""
