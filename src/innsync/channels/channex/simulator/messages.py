"""Guests and properties write to each other: threads, one for each booking or inquiry, and their messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from innsync.channels.channex.simulator import bookings
from innsync.channels.channex.simulator.state import ApiError, Json, State, instant, invalid, new_id
from innsync.integrations.simulation.world import Refused

# The travel sites that let a property write to their guests, and what threads call them.
PROVIDERS = {"BDC": "BookingCom", "ABB": "AirBNB", "EXP": "Expedia"}
LONGEST = 10_000


def threads(state: State) -> Json:
    """By id. A world that was saved before there were messages has none."""
    found: Json = state.setdefault("threads", {})
    return found


def require_app(state: State, property_id: str) -> None:
    """Raises the 403 of a property for which the app is not installed."""
    if not state["properties"][property_id].get("messages", True):
        raise ApiError(403, "forbidden", "Forbidden")


def thread_of_booking(state: State, booking: Json) -> Json | None:
    return next((one for one in threads(state).values() if one["booking_id"] == booking["id"]), None)


def open_thread(state: State, booking: Json) -> Json:
    """The booking's thread, begun where there is none. Raises the 422 of a travel site without messages."""
    if booking["ota"] not in PROVIDERS:
        raise ApiError(422, "not_supported", "Method not supported")
    guest = booking["stay"]["guest"].get("name", "Guest")
    return thread_of_booking(state, booking) or _begin(
        state, booking["property_id"], booking["id"], booking["ota"], guest
    )


def _begin(state: State, property_id: str, booking_id: str | None, ota: str, title: str) -> Json:
    thread: Json = {
        "id": new_id(state, "thread"),
        "property_id": property_id,
        "booking_id": booking_id,
        "title": title,
        "provider": PROVIDERS[ota],
        "is_closed": False,
        "messages": [],
    }
    threads(state)[thread["id"]] = thread
    return thread


def add(state: State, thread: Json, sender: str, text: str, now: datetime) -> Json:
    message: Json = {
        "id": new_id(state, "message"),
        "sender": sender,
        "message": text,
        "attachments": [],
        "inserted_at": instant(state, now),
    }
    thread["messages"].append(message)
    thread["is_closed"] = False
    return message


def text_of(body: object) -> str:
    """What a property says. Raises the 422 with what is wrong about it; attachments are not taken here."""
    given = body.get("message") if isinstance(body, dict) else None
    if not isinstance(given, dict):
        raise invalid({"message": ["is required"]})
    text = given.get("message")
    if not isinstance(text, str) or not text.strip():
        raise invalid({"message": ["can't be blank"]})
    if len(text) > LONGEST:
        raise invalid({"message": [f"should be at most {LONGEST} character(s)"]})
    return text


def guest_writes(state: State, body: Mapping[str, Any], now: datetime) -> tuple[Json, Json]:
    """What the control interface is told: {"booking", "text"}, or {"thread", "text"}, or {"property", "text"} for an
    inquiry at Airbnb; with "sender" `system`, the travel site itself speaks. Answers the thread and the message.
    """
    text, sender = body.get("text"), body.get("sender", "guest")
    if not isinstance(text, str) or not text.strip():
        raise Refused("a message needs a text")
    if sender not in ("guest", "system"):
        raise Refused("the sender is guest or system")
    thread = _named_thread(state, body)
    return thread, add(state, thread, sender, text, now)


def _named_thread(state: State, body: Mapping[str, Any]) -> Json:
    if "booking" in body:
        try:
            return open_thread(state, bookings.find(state, str(body["booking"])))
        except ApiError:
            raise Refused("the travel site of this booking has no messages", 409) from None
    if "thread" in body:
        found: Json | None = threads(state).get(body["thread"])
        if found is None:
            raise Refused("there is no such thread", 404)
        return found
    property_id = state["codes"].get(body.get("property"))
    if property_id is None:
        raise Refused("a message is about a booking, in a thread, or to a property that exists", 404)
    return _begin(state, property_id, None, "ABB", str(body.get("name", "Guest")))


def show_thread(thread: Json) -> Json:
    said = thread["messages"]
    last = said[-1] if said else None
    attributes = {
        "id": thread["id"],
        "title": thread["title"],
        "is_closed": thread["is_closed"],
        "provider": thread["provider"],
        "message_count": len(said),
        "last_message": {name: last[name] for name in ("message", "sender", "inserted_at", "attachments")}
        if last
        else None,
        "last_message_received_at": next(
            (one["inserted_at"] for one in reversed(said) if one["sender"] == "guest"), None
        ),
    }
    relationships: Json = {"property": {"data": {"type": "property", "id": thread["property_id"]}}}
    if thread["booking_id"]:
        relationships["booking"] = {"data": {"type": "booking", "id": thread["booking_id"]}}
    return {"type": "message_thread", "id": thread["id"], "attributes": attributes, "relationships": relationships}


def show_message(thread: Json, message: Json) -> Json:
    relationships = {"message_thread": {"data": {"type": "message_thread", "id": thread["id"]}}}
    return {"type": "message", "id": message["id"], "attributes": dict(message), "relationships": relationships}


def announcement(thread: Json, message: Json) -> Json:
    """The payload of the webhook event `message`."""
    return {
        "id": message["id"],
        "message": message["message"],
        "message_thread_id": thread["id"],
        "booking_id": thread["booking_id"],
        "ota_message_id": message["id"],
        "attachments": [],
        "have_attachment": False,
    }
