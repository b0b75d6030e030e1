"""Channex's world calls whoever asked to be told: of which events, with what words, and how often if nobody answers."""

from __future__ import annotations

import json

import pytest

from innsync.channels.channex.simulator.webhooks import RETRY_S

from .raw import HOOK, webhook


def told(world):
    return [json.loads(made.body) for made in world.outgoing()]


def test_a_webhook_is_silent_and_empty_unless_it_says_otherwise(call, ids, open_world, stay):
    only_url = {"callback_url": HOOK, "event_mask": "*", "property_id": ids["id"]}
    hook = call("POST", "/webhooks", {"webhook": only_url}, status=201)["data"]
    assert (hook["attributes"]["is_active"], hook["attributes"]["send_data"]) == (False, False)
    open_world.book(stay(), force=False, notify=True)
    assert open_world.outgoing() == []
    call("PUT", f"/webhooks/{hook['id']}", {"webhook": {"is_active": True}})
    open_world.book(stay(), force=False, notify=True)
    (body,) = told(open_world)
    assert body["event"] == "booking"
    assert "payload" not in body


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"callback_url": None}, "callback_url"),
        ({"event_mask": ""}, "event_mask"),
        ({"property_id": None}, "property_id"),
        ({"headers": "x"}, "headers"),
    ],
)
def test_a_webhook_that_is_wrong_is_refused(call, ids, changes, field):
    hook = {"callback_url": HOOK, "event_mask": "*", "property_id": ids["id"], **changes}
    answer = call("POST", "/webhooks", {"webhook": hook}, status=422)
    assert list(answer["errors"]["details"]) == [field]


def test_webhooks_can_be_listed_read_and_deleted(call, ids):
    hook = webhook(call, ids)
    assert call("GET", "/webhooks")["data"][0]["id"] == hook
    assert call("GET", f"/webhooks/{hook}")["data"]["attributes"]["callback_url"] == HOOK
    call("DELETE", f"/webhooks/{hook}")
    call("GET", f"/webhooks/{hook}", status=404)
    call("PUT", f"/webhooks/{hook}", {"webhook": {}}, status=404)


def test_a_call_carries_its_headers_and_names_the_revision(call, ids, open_world, stay):
    webhook(call, ids, headers={"X-Channex-Webhook-Secret": "s"}, request_params={"a": "b"})
    reference = open_world.book(stay(), force=False, notify=True)
    (made,) = open_world.outgoing()
    assert made.url == f"{HOOK}?a=b"
    assert made.headers["X-Channex-Webhook-Secret"] == "s"
    payload = json.loads(made.body)["payload"]
    (entry,) = call("GET", "/booking_revisions/feed")["data"]
    assert payload == {"booking_id": reference, "property_id": ids["id"], "revision_id": entry["id"]}


def test_masks_choose_events_and_a_propertys_own_hook_silences_the_global_one(call, ids, open_world, stay):
    webhook(call, ids, event_mask="booking_new;booking_cancellation;ari:rate:*:*")
    webhook(call, ids, is_global=True, property_id=None, event_mask="booking;booking_modification")
    reference = open_world.book(stay(), force=False, notify=True)
    assert [body["event"] for body in told(open_world)] == ["booking_new"]
    open_world.change(reference, {"adults": 1}, notify=True)
    assert sorted(body["event"] for body in told(open_world)) == ["booking", "booking_modification"]
    open_world.cancel(reference, notify=True)
    open_world.cancel(reference, notify=True)
    assert [body["event"] for body in told(open_world)] == ["booking_cancellation"]


def test_an_unmapped_room_is_told_apart(call, ids, open_world, stay):
    webhook(call, ids, event_mask="booking_unmapped_room;booking_unmapped_rate")
    open_world.book(stay(guest={"unmapped": "yes"}), force=False, notify=True)
    assert [body["event"] for body in told(open_world)] == ["booking_unmapped_room"]
    (entry,) = call("GET", "/booking_revisions/feed")["data"]
    (room,) = entry["attributes"]["rooms"]
    assert (room["room_type_id"], room["rate_plan_id"]) == (None, None)


def test_an_unanswered_call_is_made_eleven_times_more_over_a_day(call, ids, open_world, stay):
    webhook(call, ids)
    open_world.book(stay(), force=False, notify=True)
    started = open_world.clock.now()
    moments = []
    for _ in range(2000):
        for made in open_world.outgoing():
            moments.append((open_world.clock.now() - started).total_seconds())
            open_world.delivered(made, None if len(moments) % 2 else 503, b"")
        open_world.clock.shift_s += 60
    assert len(moments) == 1 + len(RETRY_S) == 12
    assert 80_000 < moments[-1] < 100_000


@pytest.mark.parametrize("status", [200, 204, 404, 410])
def test_an_answered_call_is_not_made_again(call, ids, open_world, stay, status):
    webhook(call, ids)
    open_world.book(stay(), force=False, notify=True)
    (made,) = open_world.outgoing()
    open_world.delivered(made, status, b"")
    open_world.clock.shift_s += 86_400
    assert open_world.outgoing() == []


def test_the_test_message_is_a_stub_without_a_booking(call, ids, open_world):
    call("POST", "/webhooks/test", {"webhook": {"callback_url": HOOK, "headers": {"X-Secret": "s"}}})
    (made,) = open_world.outgoing()
    assert made.headers["X-Secret"] == "s"
    assert json.loads(made.body)["payload"]["revision_id"] == ""
    call("POST", "/webhooks/test", {"webhook": {}}, status=400)
