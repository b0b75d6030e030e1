"""The paths about messages: threads, what was said in them, and saying something."""

from __future__ import annotations

from innsync.channels.channex.simulator import messages
from innsync.channels.channex.simulator.call import Call
from innsync.channels.channex.simulator.state import Json, not_found


def _thread(call: Call) -> Json:
    thread: Json | None = messages.threads(call.state).get(call.path["id"])
    if thread is None or not call.owns(thread["property_id"]):
        raise not_found()
    messages.require_app(call.state, thread["property_id"])
    return thread


def _booking(call: Call) -> Json:
    booking: Json | None = call.state["bookings"].get(call.path["id"])
    if booking is None or not call.owns(booking["property_id"]):
        raise not_found()
    messages.require_app(call.state, booking["property_id"])
    return booking


def list_threads(call: Call) -> tuple[int, Json]:
    """Those of one property, or of all that have the app; what was written to last comes first."""
    asked = call.query.get("filter[property_id]")
    if asked is not None:
        messages.require_app(call.state, call.property_id())
    shown = [
        messages.show_thread(thread)
        for thread in messages.threads(call.state).values()
        if call.owns(thread["property_id"])
        and call.matches("property_id", thread["property_id"])
        and call.matches("is_closed", str(thread["is_closed"]).lower())
        and call.state["properties"][thread["property_id"]].get("messages", True)
    ]
    return call.page(sorted(shown, key=_last_said, reverse=True))


def _last_said(shown: Json) -> str:
    last = shown["attributes"]["last_message"]
    return str(last["inserted_at"]) if last else ""


def get_thread(call: Call) -> tuple[int, Json]:
    return 200, {"data": messages.show_thread(_thread(call))}


def list_messages(call: Call) -> tuple[int, Json]:
    return _said_in(call, _thread(call))


def list_messages_of_booking(call: Call) -> tuple[int, Json]:
    return _said_in(call, messages.thread_of_booking(call.state, _booking(call)))


def _said_in(call: Call, thread: Json | None) -> tuple[int, Json]:
    """Newest first."""
    found = [messages.show_message(thread, one) for one in thread["messages"]] if thread else []
    return call.page(reversed(found))


def say(call: Call) -> tuple[int, Json]:
    return _say(call, _thread(call))


def say_about_booking(call: Call) -> tuple[int, Json]:
    booking = _booking(call)
    messages.text_of(call.json())
    return _say(call, messages.open_thread(call.state, booking))


def _say(call: Call, thread: Json) -> tuple[int, Json]:
    message = messages.add(call.state, thread, "property", messages.text_of(call.json()), call.now)
    return 201, {"data": messages.show_message(thread, message)}


def close(call: Call) -> tuple[int, Json]:
    thread = _thread(call)
    thread["is_closed"] = True
    return 200, {"data": messages.show_thread(thread)}
