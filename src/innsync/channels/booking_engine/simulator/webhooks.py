"""The engine's calls about its bookings: signed, and made again when nobody answers."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import datetime

import orjson

from innsync.channels.booking_engine.simulator.bookings import show
from innsync.channels.booking_engine.simulator.state import Json, State
from innsync.integrations.simulation.world import OutgoingCall

MOST_TRIES = 12
FIRST_WAIT_S = 5.0
_SHAPES = ("nested", "flat")


def announce(state: State, booking: Json, event: str, now: datetime) -> None:
    """A hook that ends in `/webhooks` has an address of its own for each event."""
    hook = state["hotels"][booking["hotel"]]["webhook"]
    if not hook:
        return
    told = show(state, booking) if hook["shape"] != "flat" else _flat(state, booking)
    if not hook["url"].endswith("/webhooks"):
        told["event"] = event
    state["counter"] += 1
    state["outbox"].append(
        {
            "id": f"c{state['counter']}",
            "url": f"{hook['url']}/{event}" if hook["url"].endswith("/webhooks") else hook["url"],
            "secret": hook["secret"],
            "body": orjson.dumps(told),
            "due": now.timestamp(),
            "tries": 0,
        }
    )


def _flat(state: State, booking: Json) -> Json:
    told = show(state, booking)
    room = booking["rooms"][0]
    return {
        "booking_id": told["booking_id"],
        "source": told["source"],
        "property": booking["hotel"],
        "guest_name": told["guest"].get("name", ""),
        "guest_email": told["guest"].get("email", ""),
        "guest_phone": told["guest"].get("phone", ""),
        "check_in": told["check_in_date"],
        "check_out": told["check_out_date"],
        "guest_count": told["guest_count"],
        "total_amount": told["total_amount"],
        "currency": told["currency"],
        "special_requests": told["special_requests"],
        "room_type": room["room_type_id"],
        "rate_plan": room["rate_plan_id"],
        "version": told["version"],
    }


def take_due(state: State, now: datetime) -> list[OutgoingCall]:
    due = [call for call in state["outbox"] if call["due"] <= now.timestamp()]
    state["outbox"] = [call for call in state["outbox"] if call["due"] > now.timestamp()]
    for call in due:
        state["in_flight"][call["id"]] = call
    return [OutgoingCall(call["url"], _headers(call), call["body"], call["id"]) for call in due]


def _headers(call: Json) -> dict[str, str]:
    """Signed as it is sent: a signature of the first try would be too old at the tenth."""
    moment = str(int(time.time()))
    signed = moment.encode() + b"." + call["body"]
    signature = hmac.new(call["secret"].encode(), signed, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-webhook-timestamp": moment,
        "x-webhook-signature": f"sha256={signature}",
    }


def finish(state: State, call_id: str, status: int | None, pace: float, now: datetime) -> None:
    """No answer and 5xx are tried again, after twice as long each time; everything else is the end of it."""
    call = state["in_flight"].pop(call_id, None)
    if call is not None and (status is None or status >= 500) and call["tries"] + 1 < MOST_TRIES:
        wait = FIRST_WAIT_S * 2 ** call["tries"] * pace
        state["outbox"].append({**call, "tries": call["tries"] + 1, "due": now.timestamp() + wait})


def hook_of(told: object, shape: str = "nested") -> Json | None:
    """What a registration says; None for what is none."""
    if not isinstance(told, dict) or not isinstance(told.get("url"), str) or not isinstance(told.get("secret"), str):
        return None
    kept = str(told.get("shape") or shape)
    return {"url": told["url"], "secret": told["secret"], "shape": kept if kept in _SHAPES else "nested"}
