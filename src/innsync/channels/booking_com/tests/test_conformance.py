"""The adapter's promises as a whole: its manifest, its tokens, and what it reads back of the simulated vendor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from innsync.channels.booking_com.adapter import ADAPTER
from innsync.channels.booking_com.tests.conftest import LAYOUT, Sandbox
from innsync.domain.ari import AriUpdate, Calendar, Target
from innsync.integrations.errors import NotAuthorised, RateLimited
from innsync.integrations.manifest import adapter


def test_the_adapter_does_what_its_manifest_says():
    assert adapter("booking_com").can("acknowledge")


# -- tokens


def test_one_token_serves_many_calls(sandbox: Sandbox):
    sandbox.on_sale()
    ADAPTER.list_rooms(sandbox.session, sandbox.prop)
    assert len(sandbox.seen("/exchange")) == 1


def test_a_refused_token_is_replaced_once_and_no_update_is_lost(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.world.revoke_tokens()
    sandbox.push(AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(1), {"availability": 1}, "EUR"))
    assert sandbox.seen("OTA_HotelAvailNotif")[-2:] == [401, 200]
    assert len(sandbox.seen("/exchange")) == 2
    assert sandbox.world.calendar("seaside", sandbox.day(1), sandbox.day(1))[0]["available"] == 1


def test_a_token_that_the_vendor_lets_expire_is_replaced(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.later(3601)
    ADAPTER.check_access(sandbox.session, sandbox.prop)
    assert sandbox.seen("roomrates") == [401, 200]


def test_wrong_credentials_are_said_plainly_and_not_tried_twice(sandbox: Sandbox):
    sandbox.session.credentials = {"client_id": "x", "client_secret": "y"}
    with pytest.raises(NotAuthorised):
        ADAPTER.check_access(sandbox.session, sandbox.prop)
    assert sandbox.seen("/exchange") == [401]


def test_a_hotel_that_is_not_linked_is_refused_without_a_new_token(sandbox: Sandbox):
    with pytest.raises(NotAuthorised):
        ADAPTER.check_access(sandbox.session, replace(sandbox.prop, id="9999999"))
    assert len(sandbox.seen("/exchange")) == 1


def test_the_31st_token_of_an_hour_is_refused(sandbox: Sandbox):
    sandbox.world.pace["tokens_per_hour"] = 1
    ADAPTER.check_access(sandbox.session, sandbox.prop)
    sandbox.world.revoke_tokens()
    with pytest.raises(RateLimited):
        ADAPTER.check_access(sandbox.session, sandbox.prop)


# -- reading back


def test_counts_alone_are_read_at_room_level(sandbox: Sandbox):
    sandbox.on_sale(rooms=3)
    room = sandbox.room("dbl")
    found = ADAPTER.read_back(sandbox.session, sandbox.prop, {room: ("availability",)}, sandbox.day(0), sandbox.day(2))
    assert found[room].rows == ((0,), (3,), (3,))


def test_a_room_that_was_closed_on_the_extranet_reads_as_sold_out(sandbox: Sandbox):
    sandbox.on_sale(rooms=3)
    room = sandbox.room("dbl")
    sandbox.world.state.hotels[sandbox.prop.id].rooms[room.room].closed.add(sandbox.day(2))
    found = ADAPTER.read_back(sandbox.session, sandbox.prop, {room: ("availability",)}, sandbox.day(1), sandbox.day(3))
    assert found[room].rows == ((3,), (0,), (3,))


def test_what_the_vendor_does_not_hold_is_unknown(sandbox: Sandbox):
    stranger = Target("123456789", "7700001")
    found = ADAPTER.read_back(sandbox.session, sandbox.prop, {stranger: LAYOUT}, sandbox.day(1), sandbox.day(2))
    assert found[stranger] == Calendar.unknown(sandbox.day(1), 2, LAYOUT)


def test_the_catalogue_lists_rooms_rates_and_the_prices_wanted(sandbox: Sandbox):
    double, family = ADAPTER.list_rooms(sandbox.session, sandbox.prop)
    assert (double.id, double.name, double.max_adults) == (sandbox.room("dbl").room, "Double Room", 2)
    assert [(rate.name, rate.occupancies, rate.read_only) for rate in family.rates] == [
        ("Flexible", (1, 2, 3, 4), False),
        ("Derived", (1, 2, 3, 4), True),
    ]
    assert double.rates[0].id == family.rates[0].id
