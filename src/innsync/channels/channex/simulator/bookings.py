"""Guests book, change and cancel at travel sites behind Channex; each time a revision, a full picture, comes in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import orjson

from innsync.channels.channex.simulator.catalogue import option_for, rate_on
from innsync.channels.channex.simulator.sale import nights_of, product, refuse_unsellable
from innsync.channels.channex.simulator.state import Json, State, fixed_id, instant, money, new_id
from innsync.integrations.simulation.world import Refused, Stay

OTAS = ("BDC", "ABB", "EXP", "AGO")
# Spelled as they come, which is not how they are called.
OTA_NAMES = {
    "BDC": "BookingCom",
    "ABB": "AirBNB",
    "EXP": "A-Expedia",
    "AGO": "Agoda",
    "VRB": "VRBO",
    "HWL": "HostelWorld",
    "OFL": "Offline",
}
CARD_NUMBER = "4111111111111111"
VIRTUAL_NUMBER = "5555555555554444"
CVV = "737"
FALLBACK_PRICE = Decimal(100)
COMMISSION = Decimal("0.15")
AUTOUPDATE = "allow_availability_autoupdate_on_"


def create(state: State, stay: Stay, *, force: bool, now: datetime) -> Json:
    """A new booking with its first revision. Raises Refused(404) for unknown codes, 409 when it is not for sale.

    Forced, a room or rate that Channex does not have is booked without ids, as is a room that is not mapped there.
    """
    property_id = state["codes"].get(stay.property)
    if property_id is None:
        raise Refused(f"there is no property {stay.property}", 404)
    if stay.check_out <= stay.check_in:
        raise Refused("check-out is not after check-in")
    wanted = _wanted(stay)
    refuse_unsellable(state, property_id, wanted, force=force)
    state["counter"] += 1
    number = state["counter"]
    ota = stay.guest.get("ota") or OTAS[len(state["bookings"]) % len(OTAS)]
    booking: Json = {
        "id": fixed_id("booking", str(number)),
        "property_id": property_id,
        "ota": ota,
        "code": f"HM{number:08X}" if ota == "ABB" else str(4_000_000_000 + number),
        "stay": wanted,
        "status": "new",
        "rooms": [_new_room(state) for _ in range(stay.rooms)],
        "revisions": [],
    }
    state["bookings"][booking["id"]] = booking
    if _auto_update(state, booking, "confirmation"):
        _move_stock(state, booking, -1)
    _revise(state, booking, "new", now)
    return booking


def modify(state: State, booking: Json, changes: Mapping[str, Any], now: datetime) -> None:
    """Dates, room, rate, adults, guest, requests; with `rooms` a count of rooms, the last ones are dropped or added."""
    if booking["status"] == "cancelled":
        raise Refused("the booking is cancelled", 409)
    stay = _changed(booking["stay"], changes)
    moves_stock = _auto_update(state, booking, "modification")
    if moves_stock:
        _move_stock(state, booking, 1)
    booking["stay"] = stay
    if "rooms" in changes:
        _keep_rooms(state, booking, int(changes["rooms"]))
    if moves_stock:
        _move_stock(state, booking, -1)
    _revise(state, booking, "modified", now)


def _changed(stay: Json, changes: Mapping[str, Any]) -> Json:
    """The stay as it will be; the one that was stays as it is, should the change be refused."""
    after: Json = dict(stay)
    for name, value in changes.items():
        if name in ("check_in", "check_out"):
            after[name] = value.isoformat() if isinstance(value, date) else date.fromisoformat(value).isoformat()
        elif name in ("room", "rate", "adults", "special_requests"):
            after[name] = value
        elif name == "child_ages":
            after[name] = list(value)
        elif name == "guest":
            after[name] = {**stay["guest"], **value}
        elif name != "rooms":
            raise Refused(f"a guest cannot change {name}")
    if after["check_out"] <= after["check_in"]:
        raise Refused("check-out is not after check-in")
    return after


def cancel(state: State, booking: Json, now: datetime) -> None:
    if booking["status"] == "cancelled":
        return
    if _auto_update(state, booking, "cancellation"):
        _move_stock(state, booking, 1)
    _revise(state, booking, "cancelled", now)


def find(state: State, reference: str) -> Json:
    """By Channex's id or by the unique id, `BDC-4000000001`."""
    if reference in state["bookings"]:
        return cast(Json, state["bookings"][reference])
    for booking in state["bookings"].values():
        if reference == _unique_id(booking):
            found: Json = booking
            return found
    raise Refused(f"there is no booking {reference}", 404)


# --- what a guest wants, and the stock it takes


def _wanted(stay: Stay) -> Json:
    return {
        "room": stay.room,
        "rate": stay.rate,
        "check_in": stay.check_in.isoformat(),
        "check_out": stay.check_out.isoformat(),
        "adults": stay.adults,
        "child_ages": list(stay.child_ages),
        "guest": dict(stay.guest),
        "special_requests": stay.special_requests,
        "card": stay.card,
        "count": stay.rooms,
    }


def _auto_update(state: State, booking: Json, kind: str) -> bool:
    return bool(state["properties"][booking["property_id"]]["settings"][AUTOUPDATE + kind])


def _move_stock(state: State, booking: Json, step: int) -> None:
    room_id, _ = product(state, booking["property_id"], booking["stay"])
    if room_id is None:
        return
    count = sum(not room["cancelled"] for room in booking["rooms"])
    held = state["availability"][room_id]
    for night in nights_of(booking["stay"]):
        held[night] = max(held.get(night, 0) + step * count, 0)


# --- revisions


def _new_room(state: State) -> Json:
    state["counter"] += 1
    return {"ota_unique_id": str(700_000_000 + state["counter"]), "cancelled": False}


def _keep_rooms(state: State, booking: Json, count: int) -> None:
    live = [room for room in booking["rooms"] if not room["cancelled"]]
    for room in live[count:]:
        room["cancelled"] = True
    booking["rooms"] += [_new_room(state) for _ in range(count - len(live))]


def _unique_id(booking: Json) -> str:
    return f"{booking['ota']}-{booking['code']}"


def _revise(state: State, booking: Json, status: str, now: datetime) -> None:
    booking["status"] = status
    revision_id = new_id(state, "revision")
    booking["revisions"].append(revision_id)
    state["revisions"][revision_id] = {
        "attributes": _attributes(state, booking, revision_id, now),
        "acked": False,
        "inserted": now.timestamp(),
    }
    state["waiting"][revision_id] = True


def _attributes(state: State, booking: Json, revision_id: str, now: datetime) -> Json:
    prop = state["properties"][booking["property_id"]]
    stay = booking["stay"]
    _, plan_id = product(state, booking["property_id"], stay)
    currency = state["plans"][plan_id]["currency"] if plan_id else prop["currency"]
    rooms = [_room(state, booking, room, currency) for room in booking["rooms"]]
    total = sum((Decimal(room["amount"]) for room in rooms if not room["is_cancelled"]), Decimal(0))
    paid_at_ota = booking["ota"] in ("ABB", "EXP", "VRB")
    card = None if booking["ota"] == "ABB" or not stay["card"] else _card(prop, virtual=paid_at_ota, now=now)
    return {
        "id": revision_id,
        "property_id": booking["property_id"],
        "booking_id": booking["id"],
        "unique_id": _unique_id(booking),
        "system_id": new_id(state, "system"),
        "ota_reservation_code": booking["code"],
        "ota_name": OTA_NAMES.get(booking["ota"], booking["ota"]),
        "status": booking["status"],
        "rooms": rooms,
        "services": [],
        "guarantee": card,
        "customer": _customer(booking),
        "occupancy": _occupancy(stay, sum(not room["cancelled"] for room in booking["rooms"])),
        "arrival_date": stay["check_in"],
        "departure_date": stay["check_out"],
        "arrival_hour": None,
        "amount": money(total, currency),
        "currency": currency,
        "ota_commission": money(total * COMMISSION, currency) if booking["ota"] in ("BDC", "ABB") else None,
        "notes": stay["special_requests"] or None,
        "payment_collect": "ota" if paid_at_ota else "property" if booking["ota"] == "BDC" else None,
        "payment_type": "credit_card" if card else "bank_transfer" if paid_at_ota else None,
        "deposits": [],
        "secondary_ota": None,
        "meta": {},
        "raw_message": _raw_message(booking, card),
        "acknowledge_status": "pending",
        "is_crs_revision": False,
        "inserted_at": instant(state, now),
    }


def _room(state: State, booking: Json, room: Json, currency: str) -> Json:
    stay = booking["stay"]
    room_id, plan_id = product(state, booking["property_id"], stay)
    prices = _prices(state, plan_id, stay, currency)
    rate_plan_id, meta = _booked_plan(state, plan_id, stay)
    shown: Json = {
        "booking_room_id": new_id(state, "booking_room"),  # a new one in each revision
        "checkin_date": stay["check_in"],
        "checkout_date": stay["check_out"],
        "room_type_id": room_id,
        "rate_plan_id": rate_plan_id,
        "occupancy": _occupancy(stay, 1),
        "guests": [{"name": _first_name(booking), "surname": _last_name(booking)}],
        "services": [],
        "taxes": [],
        "collected_taxes": [],
        "amount": money(sum(map(Decimal, prices.values()), Decimal(0)), currency),
        "days": prices,
        "is_cancelled": room["cancelled"],
        "meta": {**meta, "cancel_penalties": [], "room_type_code": stay["room"], "rate_plan_code": stay["rate"]},
    }
    if booking["ota"] == "BDC":
        shown["ota_unique_id"] = room["ota_unique_id"]
    return shown


def _prices(state: State, plan_id: str | None, stay: Json, currency: str) -> dict[str, str]:
    if plan_id is None:
        return {night: money(FALLBACK_PRICE, currency) for night in nights_of(stay)}
    option = option_for(state["plans"][plan_id], stay["adults"])
    prices = {night: rate_on(state, option["id"], night) for night in nights_of(stay)}
    return {night: price if Decimal(price) > 0 else money(FALLBACK_PRICE, currency) for night, price in prices.items()}


def _booked_plan(state: State, plan_id: str | None, stay: Json) -> tuple[str | None, Json]:
    """The id booked: an option's own where it is not the plan's first one, with the plan in meta."""
    if plan_id is None:
        return None, {}
    option = option_for(state["plans"][plan_id], stay["adults"])
    if option["id"] == plan_id:
        return plan_id, {}
    return option["id"], {"parent_rate_plan_id": plan_id}


def _occupancy(stay: Json, rooms: int) -> Json:
    ages = [age for age in stay["child_ages"] if age > 0]
    infants = len(stay["child_ages"]) - len(ages)
    people: Json = {"adults": stay["adults"] * rooms, "children": len(ages) * rooms, "infants": infants * rooms}
    if ages:
        people["ages"] = ages * rooms
    return people


def _first_name(booking: Json) -> str:
    return str(booking["stay"]["guest"].get("name", "Ada Beispiel")).partition(" ")[0]


def _last_name(booking: Json) -> str:
    return str(booking["stay"]["guest"].get("name", "Ada Beispiel")).partition(" ")[2]


def _customer(booking: Json) -> Json:
    guest = booking["stay"]["guest"]
    return {
        "name": _first_name(booking),
        "surname": _last_name(booking),
        "mail": guest.get("email", f"{booking['code'].lower()}@guest.example"),
        "phone": guest.get("phone"),
        "country": guest.get("country"),
        "language": guest.get("language"),
        "city": None,
        "address": None,
        "zip": None,
        "company": None,
        "meta": {"is_genius": False},
    }


def _card(prop: Json, *, virtual: bool, now: datetime) -> Json:
    """Masked, as on the normal host; in clear only where a property is set up as if on the secure one."""
    number = VIRTUAL_NUMBER if virtual else CARD_NUMBER
    clear = prop["clear_cards"]
    card: Json = {
        "card_number": number if clear else f"{number[:6]}******{number[-4:]}",
        "card_type": "MC" if virtual else "VI",
        "cardholder_name": "Expedia VirtualCard" if virtual else "ADA BEISPIEL",
        "cvv": CVV if clear else "***",
        "expiration_date": f"12/{now.year + 2}",
        "is_virtual": virtual,
    }
    if virtual:
        card["meta"] = {
            "virtual_card_currency_code": prop["currency"],
            "virtual_card_current_balance": "10000",
            "virtual_card_decimal_places": "2",
            "virtual_card_effective_date": now.date().isoformat(),
            "virtual_card_expiration_date": (now.date() + timedelta(days=365)).isoformat(),
        }
    return card


def _raw_message(booking: Json, card: Json | None) -> str:
    """The travel site's own message, as text."""
    message: Json = {"reservation": {"id": booking["code"], "status": booking["status"]}}
    if card:
        message["reservation"]["payment"] = {"cc_number": card["card_number"], "cc_cvc": card["cvv"]}
    return orjson.dumps(message).decode()


# --- how the API shows them


def show_revision(revision_id: str, revision: Json) -> Json:
    attributes = {**revision["attributes"], "acknowledge_status": "acknowledged" if revision["acked"] else "pending"}
    return {"type": "booking_revision", "id": revision_id, "attributes": attributes}


def show_booking(state: State, booking: Json) -> Json:
    """The latest state; `inserted_at` stays that of the first revision: the day it was made."""
    revision_id = booking["revisions"][-1]
    first = state["revisions"][booking["revisions"][0]]["attributes"]
    attributes = {
        **state["revisions"][revision_id]["attributes"],
        "id": booking["id"],
        "revision_id": revision_id,
        "inserted_at": first["inserted_at"],
        "has_unacked_revisions": any(not state["revisions"][known]["acked"] for known in booking["revisions"]),
    }
    del attributes["booking_id"], attributes["system_id"]
    return {"type": "booking", "id": booking["id"], "attributes": attributes}
