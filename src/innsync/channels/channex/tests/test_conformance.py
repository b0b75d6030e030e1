"""The adapter's promises as a whole: manifest, key, limits, catalogue, webhook, and what it reads back of Channex."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from innsync.channels.channex.adapter import ADAPTER
from innsync.domain.ari import AriUpdate, Calendar, Target, difference, product_layout
from innsync.integrations.errors import NotAuthorised, Rejected
from innsync.integrations.manifest import adapter as installed
from innsync.integrations.ports import PropertyRef
from innsync.integrations.simulation.world import PropertySpec, RateSpec, RoomSpec

from .conftest import NOV_21, NOW


def test_the_adapter_does_what_its_manifest_says():
    found = installed("channex")
    assert found.implementation is ADAPTER
    assert found.manifest.owns_decrement
    assert found.manifest.horizon_days == 500


# --- key and limits


def test_a_wrong_key_is_not_authorised(session, prop):
    session.credentials = {"api_key": "wrong"}
    for attempt in (
        lambda: ADAPTER.check_access(session, prop),
        lambda: ADAPTER.pull_bookings(session),
        lambda: ADAPTER.list_rooms(session, prop),
    ):
        with pytest.raises(NotAuthorised):
            attempt()


def test_each_call_draws_on_its_limit_and_closings_may_use_the_reserve(live, session, prop, targets):
    taken = []

    class Limiter:
        def take(self, *, limits, property_id, urgent):
            taken.append((tuple(limits), property_id, urgent))

        def penalise(self, *, limits, property_id, pause):
            raise AssertionError("nothing was too much")

    session.limiter = Limiter()
    live.edit(targets["twin"], NOV_21, availability=0)
    live.edit(targets["twin bar"], NOV_21, price_2=1200)
    live.sync()
    ADAPTER.pull_bookings(session)
    ADAPTER.read_back(session, prop, {targets["twin"]: ("availability",)}, NOV_21, NOV_21)
    assert taken == [
        (("availability",), prop.id, True),
        (("restrictions",), prop.id, False),
        (("account",), "", False),
        (("availability",), prop.id, False),
    ]


def test_the_key_goes_in_its_header_and_nowhere_else(session, prop, recorder):
    ADAPTER.check_access(session, prop)
    (seen,) = recorder.seen
    assert seen.headers["user-api-key"] == "channex-sandbox-key"
    assert "channex-sandbox-key" not in seen.query + seen.path


# --- reading back


def test_what_was_pushed_is_read_back(live, session, prop, targets):
    live.edit(targets["twin"], NOV_21, NOV_21 + timedelta(days=3), availability=0)
    live.edit(targets["twin bar"], NOV_21, NOV_21 + timedelta(days=9), price_2=33300, max_stay=4, closed_to_arrival=1)
    live.edit(targets["double bb"], NOV_21, min_stay_arrival=3, min_stay_through=2, stop_sell=1, closed_to_departure=1)
    live.sync()
    last = live.today + timedelta(days=499)
    layouts = {target: calendar.layout for target, calendar in live.wanted.items()}
    held = ADAPTER.read_back(session, prop, layouts, live.today, last)
    for target, wanted in live.wanted.items():
        found = held[target]
        differing = [
            (found.first + timedelta(days=day), field)
            for day, (new, old) in enumerate(zip(wanted.rows, found.rows, strict=True))
            for field, value, known in zip(wanted.layout, new, old, strict=True)
            if known is not None and known != value
        ]
        assert differing == []
    closed = held[targets["twin bar"]].row(NOV_21)
    assert closed[5] is None  # a night without rooms does not say


def test_the_audit_sees_what_somebody_else_changed(live, session, prop, targets, world):
    plan_id = targets["twin bar"].rate
    world.state["rates"][plan_id][NOV_21.isoformat()] = "1.00"
    world.state["availability"][targets["twin"].room][NOV_21.isoformat()] = 5
    layouts = {target: calendar.layout for target, calendar in live.wanted.items()}
    held = ADAPTER.read_back(session, prop, layouts, NOV_21, NOV_21)
    for name, expected in [("twin bar", {"price_2": 10000}), ("twin", {"availability": 8}), ("double", {})]:
        target = targets[name]
        found = difference(
            target,
            Calendar(NOV_21, held[target].layout, (live.wanted[target].row(NOV_21),)),
            held[target],
            currency="USD",
        )
        assert [update.values for update in found] == ([expected] if expected else [])


def test_prices_for_each_occupancy_go_out_and_come_back(world, session):
    rates = (RateSpec("bar", "BAR", (1, 2, 3)),)
    ids = world.add_property(PropertySpec("pp", "P", "JPY", "UTC", (RoomSpec("r", "R", 2, 3, 0, rates),)))
    prop = PropertyRef(ids["id"], "JPY", "UTC")
    room = ids["rooms"]["r"]
    target = Target(room["id"], room["rates"]["bar"])
    layout = product_layout((1, 2, 3), ("stop_sell",))
    wanted = Calendar(NOV_21, layout, ((0, 9000, 12000, 15000), (1, 9500, 12500, 15500)))
    rooms = Target(room["id"])
    updates = [
        AriUpdate(rooms, NOV_21, NOV_21 + timedelta(days=1), {"availability": 2}, "JPY"),
        *difference(target, wanted, Calendar.unknown(NOV_21, 2, layout), currency="JPY"),
    ]
    for push in ADAPTER.plan_push(prop, updates):
        assert not ADAPTER.send_push(session, prop, push).refused
    found = ADAPTER.read_back(session, prop, {target: layout}, NOV_21, NOV_21 + timedelta(days=1))
    assert found == {target: wanted}


# --- catalogue


def test_the_whole_catalogue_is_read_whatever_its_size(world, session):
    rates = tuple(RateSpec(f"p{n}", f"Plan {n}", (1, 2), read_only=n == 3) for n in range(4))
    rooms = tuple(RoomSpec(f"r{n}", f"Room {n}", 1, rates=rates) for n in range(60))
    ids = world.add_property(PropertySpec("big", "Big", "EUR", "UTC", rooms))
    found = ADAPTER.list_rooms(session, PropertyRef(ids["id"], "EUR", "UTC"))
    assert [room.name for room in found] == [f"Room {n}" for n in range(60)]
    assert {room.id: {rate.id for rate in room.rates} for room in found} == {
        room["id"]: set(room["rates"].values()) for room in ids["rooms"].values()
    }
    plain, derived = found[0].rates[0], found[0].rates[3]
    assert (plain.occupancies, plain.currency, plain.read_only) == ((1, 2), "EUR", False)
    assert derived.read_only


def test_a_property_we_may_not_see_is_rejected(session, prop):
    ADAPTER.check_access(session, prop)
    with pytest.raises(Rejected):
        ADAPTER.check_access(session, PropertyRef("another", "EUR", "UTC"))


# --- webhooks


def test_a_registered_webhook_reaches_us_and_is_believed(live, session, prop, world, stay):
    secret = "a long random text"
    for _ in range(5):
        ADAPTER.register_webhook(session, prop, "http://127.0.0.1:9/hook", secret)
    assert len(world.state["webhooks"]) == 1
    world.book(stay(), force=False, notify=True)
    calls = world.outgoing()
    assert len(calls) == 1
    headers = {name.lower(): value for name, value in calls[0].headers.items()}
    result = ADAPTER.receive(headers=headers, body=calls[0].body, secrets=["old", secret], now=NOW)
    assert result.poll
    ADAPTER.register_webhook(session, prop, "http://127.0.0.1:9/hook", "rotated")
    assert next(iter(world.state["webhooks"].values()))["headers"] == {"X-Channex-Webhook-Secret": "rotated"}
    ADAPTER.register_webhook(session, prop, "http://127.0.0.1:10/hook", "rotated")
    (moved,) = world.state["webhooks"].values()
    assert moved["callback_url"] == "http://127.0.0.1:10/hook"


def test_a_property_can_be_set_up_to_announce_its_bookings(world, stay):
    settings = {"webhook_url": "http://127.0.0.1:9/hook", "webhook_secret": "s"}
    rooms = (RoomSpec("r", "R", 2, rates=(RateSpec("b", "B"),)),)
    for _ in range(2):
        world.add_property(PropertySpec("told", "T", "EUR", "UTC", rooms, settings))
    world.book(stay(property="told", room="r", rate="b"), force=True, notify=True)
    (call,) = world.outgoing()
    assert json.loads(call.body)["event"] == "booking"
