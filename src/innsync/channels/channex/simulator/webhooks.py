"""Webhooks: who is called about what, and again when nobody answered. They are not signed and not in order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

import orjson

from innsync.channels.channex.simulator.state import Json, State, belongs_to, instant, invalid, new_id
from innsync.integrations.simulation.world import OutgoingCall

# Minutes after which an unanswered call is made again; eleven times, about a day in all.
RETRY_S = tuple(minutes * 60 for minutes in (1, 2, 4, 8, 15, 30, 60, 120, 240, 360, 600))
MAX_LOG = 1000
FIELDS: Json = {
    "callback_url": None,
    "event_mask": None,
    "property_id": None,
    "request_params": None,
    "headers": None,
    "is_active": False,
    "send_data": False,
    "protected": False,
    "is_global": False,
}


def save(state: State, user_id: str, webhook_id: str | None, body: object) -> str:
    """Create one, or change the one of that id. Raises the 422 with the fields that are wrong."""
    given = body.get("webhook") if isinstance(body, dict) else None
    if not isinstance(given, dict):
        raise invalid({"webhook": ["is required"]})
    held = state["webhooks"].get(webhook_id, {**FIELDS, "owner": user_id})
    webhook = {**held, **{name: value for name, value in given.items() if name in FIELDS}}
    problems = {name: ["can't be blank"] for name in ("callback_url", "event_mask") if not webhook[name]}
    if not webhook["is_global"] and not belongs_to(state, user_id, webhook["property_id"]):
        problems["property_id"] = ["is invalid"]
    for name in ("headers", "request_params"):
        if webhook[name] is not None and not isinstance(webhook[name], dict):
            problems[name] = ["is invalid"]
    if problems:
        raise invalid(problems)
    webhook_id = webhook_id or new_id(state, "webhook")
    state["webhooks"][webhook_id] = webhook
    return webhook_id


def show(webhook_id: str, webhook: Json) -> Json:
    attributes = {"id": webhook_id, **{name: webhook[name] for name in FIELDS}}
    return {"type": "webhook", "id": webhook_id, "attributes": attributes}


def announce(state: State, property_id: str, events: list[str], payload: Json, now: datetime) -> None:
    """Queue a call to each hook that listens to one of the events; a property's own hook silences the global ones."""
    owner = state["properties"][property_id]["owner"]
    listening = [
        (webhook, heard)
        for webhook in state["webhooks"].values()
        if webhook["is_active"]
        and webhook["owner"] == owner
        and (webhook["is_global"] or webhook["property_id"] == property_id)
        and (heard := _heard(webhook["event_mask"], events))
    ]
    own = [pair for pair in listening if not pair[0]["is_global"]]
    for webhook, heard in own or listening:
        for event in heard:
            call: Json = {
                "event": event,
                "property_id": property_id,
                "user_id": None,
                "timestamp": instant(state, now) + "Z",
            }
            if webhook["send_data"]:
                call["payload"] = payload
            queue(state, webhook, call, now)


def _heard(mask: str, events: list[str]) -> list[str]:
    """`*` hears the most general of the events, a list hears those it names."""
    names = [name.split(":")[0].strip() for name in mask.split(";")]
    return events[-1:] if "*" in names else [event for event in events if event in names]


def queue(state: State, webhook: Json, call: Json, now: datetime) -> None:
    query = urlencode(webhook["request_params"] or {})
    url = webhook["callback_url"]
    state["outbox"].append(
        {
            "id": new_id(state, "delivery"),
            "url": url + ("&" if "?" in url else "?") + query if query else url,
            "headers": {"content-type": "application/json", **(webhook["headers"] or {})},
            "body": orjson.dumps(call),
            "due": now.timestamp(),
            "attempt": 0,
        }
    )


def take_due(state: State, faults: Mapping[str, object], now: datetime) -> list[OutgoingCall]:
    """The calls to make now. With drop_webhooks they are lost for good; who makes the calls repeats and mixes them."""
    due = [call for call in state["outbox"] if call["due"] <= now.timestamp()]
    state["outbox"] = [call for call in state["outbox"] if call["due"] > now.timestamp()]
    if faults.get("drop_webhooks"):
        return []
    for call in due:
        state["in_flight"][call["id"]] = call
    return [OutgoingCall(call["url"], call["headers"], call["body"], call["id"]) for call in due]


def finish(state: State, call_id: str, status: int | None, pace: float, now: datetime) -> None:
    """No answer and 5xx are tried again later, up to eleven times; everything else is the end of it."""
    call = state["in_flight"].pop(call_id, None)
    if call is None:
        return
    state["deliveries"] = [
        *state["deliveries"][-MAX_LOG + 1 :],
        {"id": call_id, "url": call["url"], "status": status, "attempt": call["attempt"]},
    ]
    if (status is None or status >= 500) and call["attempt"] < len(RETRY_S):
        delay = RETRY_S[call["attempt"]] * pace
        state["outbox"].append({**call, "due": now.timestamp() + delay, "attempt": call["attempt"] + 1})
