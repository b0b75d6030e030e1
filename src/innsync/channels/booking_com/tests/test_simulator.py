"""The simulated vendor's doors are as strict as the real one's, and its world told the same is the same."""

from __future__ import annotations

import pickle

import pytest

from innsync.channels.booking_com.simulator.world import BookingComWorld
from innsync.channels.booking_com.tests.conftest import HOTEL
from innsync.channels.booking_com.tests.raw import AVAIL, EXCHANGE, MODIFIED, NEW, RATE, ROOM, Caller, poll, stay
from innsync.integrations.simulation.world import Refused

# -- doors


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic dXNlcjpwYXNz"])
def test_no_call_without_a_token(caller: Caller, header: str):
    assert caller.http.get(NEW, headers={"Authorization": header}).status_code == 401


def test_a_token_is_good_for_an_hour_and_can_not_be_made_up(caller: Caller):
    assert caller.get(NEW).status_code == 200
    head, claims, signature = caller.token.split(".")
    another = "B" if signature[0] == "A" else "A"
    caller.token = f"{head}.{claims}.{another}{signature[1:]}"
    assert caller.get(MODIFIED).status_code == 401
    caller.token = f"{head}.{claims}.{signature}"
    caller.world.clock.shift_s += 3601
    assert caller.get(NEW).status_code == 401


def test_30_tokens_an_hour_and_no_more(caller: Caller):
    account = caller.world.accounts()[0]
    statuses = [caller.http.post(EXCHANGE, json=account).status_code for _ in range(30)]
    assert statuses == [200] * 29 + [429]  # the caller has one already
    assert caller.http.post(EXCHANGE, json={"client_id": "x", "client_secret": "y"}).status_code == 401
    assert caller.http.post(EXCHANGE, content=b"{").status_code == 400
    caller.world.clock.shift_s += 3600
    assert caller.http.post(EXCHANGE, json=account).status_code == 200


def test_calls_a_minute_are_counted_and_the_wait_is_told(caller: Caller):
    caller.world.limits_per_min["OTA_HotelAvailNotif"] = 2
    statuses = [caller.avail(caller.line()).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert 1 <= int(caller.avail(caller.line()).headers["retry-after"]) <= 60
    caller.world.clock.shift_s += 61
    assert caller.avail(caller.line()).status_code == 200


def test_an_old_version_and_another_media_type_are_refused(caller: Caller):
    assert caller.post(AVAIL, "<x/>", **{"Accept-Version": "1.0"}).status_code == 400
    assert caller.post(AVAIL, "<x/>", **{"Content-Type": "application/json"}).status_code == 415


def test_every_answer_ends_with_its_ruid(caller: Caller):
    one, two = caller.avail(caller.line()).text, caller.avail(caller.line()).text
    assert one.rstrip().endswith("] -->")
    assert one.rpartition("RUID")[2] != two.rpartition("RUID")[2]


# -- the world


def test_a_world_that_an_older_version_saved_can_still_be_used(caller: Caller):
    caller.avail(caller.line(rate=RATE, limit="", inside='<RestrictionStatus Status="Close"/>'))
    night = caller.world.state.hotels["9001001"].rooms[ROOM].rates[RATE].night(caller.day(1))
    older = {name: getattr(night, name) for name in night.__slots__ if not name.endswith("_ahead")}
    found = object.__new__(type(night))
    found.__setstate__((None, older))
    assert found == night


def test_unknown_names_are_refused(caller: Caller):
    for wrong in ({"property": "x"}, {"room": "x"}, {"rate": "web"}):
        with pytest.raises(Refused) as refused:
            caller.world.book(stay(caller, **wrong), force=True, notify=True)
        assert refused.value.status == 404
    for call in (lambda: caller.world.change("1", {}, notify=True), lambda: caller.world.cancel("1", notify=True)):
        with pytest.raises(Refused):
            call()


def test_adding_a_property_again_answers_the_same_ids(caller: Caller):
    first = caller.world.add_property(HOTEL)
    assert caller.world.add_property(HOTEL) == first
    assert len(caller.world.properties()) == 1
    assert next((p["room_id"], p["rate_id"]) for p in caller.world.properties()[0]["products"]) == (ROOM, RATE)


def test_the_world_survives_being_stored(caller: Caller):
    caller.avail(caller.line())
    caller.world.book(stay(caller), force=True, notify=True)
    caller.world.state = pickle.loads(pickle.dumps(caller.world.state))
    assert len(poll(caller)) == 1


def test_two_worlds_told_the_same_are_the_same(caller: Caller):
    other = BookingComWorld(caller.world.clock)
    other.add_property(HOTEL)
    for world in (caller.world, other):
        world.book(stay(caller), force=True, notify=True)
    assert [b["reference"] for b in caller.world.bookings("seaside")] == [
        b["reference"] for b in other.bookings("seaside")
    ]
    assert caller.world.properties() == other.properties()


def test_a_reset_world_is_empty(caller: Caller):
    caller.world.reset()
    assert caller.world.properties() == []
