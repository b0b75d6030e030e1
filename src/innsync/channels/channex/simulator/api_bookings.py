"""The paths about bookings: revisions, the feed, acknowledging, and the webhooks that announce them."""

from __future__ import annotations

from collections.abc import Iterable

from innsync.channels.channex.simulator import bookings, webhooks
from innsync.channels.channex.simulator.call import Call, one
from innsync.channels.channex.simulator.state import (
    Json,
    bad_request,
    new_id,
    not_found,
)


def _ordered(call: Call, entries: Iterable[Json], *, oldest_first: bool = False) -> list[Json]:
    order = call.query.get("order[inserted_at]", "asc" if oldest_first else "desc")
    if order not in ("asc", "desc"):
        raise bad_request("order[inserted_at] is invalid")
    return sorted(entries, key=lambda entry: str(entry["attributes"]["inserted_at"]), reverse=order == "desc")


def _filtered(call: Call, revisions: Json) -> Iterable[tuple[str, Json]]:
    for revision_id, revision in revisions.items():
        attributes = revision["attributes"]
        if (
            call.owns(attributes["property_id"])
            and call.matches("property_id", attributes["property_id"])
            and call.matches("inserted_at", attributes["inserted_at"])
        ):
            yield revision_id, revision


def list_revisions(call: Call) -> tuple[int, Json]:
    return call.page(
        _ordered(call, (bookings.show_revision(*found) for found in _filtered(call, call.state["revisions"])))
    )


def feed(call: Call) -> tuple[int, Json]:
    waiting = {revision_id: call.state["revisions"][revision_id] for revision_id in call.state["waiting"]}
    entries = _ordered(call, (bookings.show_revision(*found) for found in _filtered(call, waiting)))
    if call.world.faults.get("reorder"):
        call.state["random"].shuffle(entries)
    return call.page(entries)


def get_revision(call: Call) -> tuple[int, Json]:
    revision = call.state["revisions"].get(call.path["id"])
    if revision is None or not call.owns(revision["attributes"]["property_id"]):
        raise not_found()
    return 200, {"data": bookings.show_revision(call.path["id"], revision)}


def acknowledge(call: Call) -> tuple[int, Json]:
    revision = call.state["revisions"].get(call.path["id"])
    if revision is None or not call.owns(revision["attributes"]["property_id"]):
        raise not_found()
    # The fault: an acknowledged revision is served once more, until it is acknowledged again.
    served_again = bool(call.world.faults.get("duplicate")) and not revision["acked"]
    revision["acked"] = True
    if not served_again:
        call.state["waiting"].pop(call.path["id"], None)
    return 200, {"meta": {"message": "Success"}}


def list_bookings(call: Call) -> tuple[int, Json]:
    shown = (
        bookings.show_booking(call.state, booking)
        for booking in call.state["bookings"].values()
        if call.owns(booking["property_id"])
    )
    fields = ("property_id", "arrival_date", "departure_date", "inserted_at")
    kept = (entry for entry in shown if all(call.matches(name, entry["attributes"][name]) for name in fields))
    return call.page(_ordered(call, kept))


def get_booking(call: Call) -> tuple[int, Json]:
    return one(call, "bookings", lambda _, booking: bookings.show_booking(call.state, booking))


# --- webhooks


def _webhook(call: Call) -> tuple[str, Json]:
    webhook = call.state["webhooks"].get(call.path["id"])
    if webhook is None or webhook["owner"] != call.user_id:
        raise not_found()
    return call.path["id"], webhook


def list_webhooks(call: Call) -> tuple[int, Json]:
    own = (found for found in call.state["webhooks"].items() if found[1]["owner"] == call.user_id)
    return call.page(webhooks.show(*found) for found in own)


def get_webhook(call: Call) -> tuple[int, Json]:
    return 200, {"data": webhooks.show(*_webhook(call))}


def create_webhook(call: Call) -> tuple[int, Json]:
    webhook_id = webhooks.save(call.state, call.user_id, None, call.json())
    return 201, {"data": webhooks.show(webhook_id, call.state["webhooks"][webhook_id])}


def update_webhook(call: Call) -> tuple[int, Json]:
    webhook_id, _ = _webhook(call)
    webhooks.save(call.state, call.user_id, webhook_id, call.json())
    return 200, {"data": webhooks.show(webhook_id, call.state["webhooks"][webhook_id])}


def delete_webhook(call: Call) -> tuple[int, Json]:
    webhook_id, _ = _webhook(call)
    del call.state["webhooks"][webhook_id]
    return 200, {"meta": {"message": "Success"}}


def test_webhook(call: Call) -> tuple[int, Json]:
    """Sends a stub without a real booking. Unlike Channex's, this answer does not wait for the callback's."""
    body = call.json()
    given = body.get("webhook", body) if isinstance(body, dict) else {}
    if not isinstance(given, dict) or not given.get("callback_url"):
        raise bad_request("callback_url is required")
    stub: Json = {
        "event": "booking",
        "payload": {"booking_id": "", "revision_id": "", "property_id": ""},
        "property_id": given.get("property_id"),
        "user_id": call.user_id,
        "timestamp": call.now.isoformat(),
    }
    hook = {"callback_url": given["callback_url"], "headers": given.get("headers"), "request_params": None}
    webhooks.queue(call.state, hook, stub, call.now)
    return 200, {"status": None, "body": None, "headers": {}, "id": new_id(call.state, "test")}
