"""Channex's world keeps its accounts apart, gives out its lists in pages, and can be stored and begun anew."""

from __future__ import annotations

import pickle
from datetime import date

import pytest

from innsync.integrations.simulation.world import PropertySpec, RateSpec, Refused, RoomSpec

from .conftest import KEY
from .raw import DAY, OTHER_KEY, warning

# --- who may ask what


@pytest.mark.parametrize("key", ["", "wrong", KEY.upper()])
def test_without_the_key_nothing_is_answered(call, key):
    call.key = key
    answer = call("GET", "/properties", status=401)
    assert answer == {"errors": {"code": "unauthorized", "title": "Unauthorized"}}


def test_another_account_sees_nothing_of_a_property(call, ids):
    call.key = OTHER_KEY
    assert call("GET", "/properties")["meta"]["total"] == 0
    call("GET", f"/properties/{ids['id']}", status=404)
    assert call("GET", "/room_types")["data"] == []
    assert call("GET", "/booking_revisions/feed")["data"] == []
    entry = {"property_id": ids["id"], "room_type_id": ids["rooms"]["twin"]["id"], "date": DAY, "availability": 3}
    assert warning(call("POST", "/availability", {"values": [entry]})) == {"property_id": ["is invalid"]}


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("POST", "/no/such"), ("PUT", "/")])
def test_unknown_paths_are_not_found(call, method, path):
    assert call(method, path, status=404)["errors"]["code"] == "not_found"


def test_lists_have_ten_entries_unless_more_are_asked_for(call, world):
    rooms = tuple(RoomSpec(f"r{n}", f"R{n}", 1, rates=(RateSpec("b", "B"),)) for n in range(120))
    property_id = world.add_property(PropertySpec("big", "Big", "EUR", "UTC", rooms))["id"]
    query = {"filter[property_id]": property_id}
    answer = call("GET", "/room_types", **query)
    assert (len(answer["data"]), answer["meta"]) == (10, {"page": 1, "limit": 10, "total": 120})
    assert len(call("GET", "/room_types", **query, **{"pagination[limit]": 1000})["data"]) == 100
    page = {"pagination[limit]": 100, "pagination[page]": 2}
    assert len(call("GET", "/room_types", **query, **page)["data"]) == 20
    assert len(call("GET", "/room_types/options", **query)["data"]) == 120
    assert len(call("GET", "/rate_plans/options", **query)["data"]) == 120
    call("GET", "/room_types", **{"pagination[page]": 0}, status=400)


# --- the world as a whole


def test_the_world_survives_being_stored_and_begins_anew(open_world, stay, world):
    open_world.book(stay(), force=False, notify=True)
    stored = pickle.dumps(open_world.state)
    before = open_world.calendar("test-property", date(2026, 11, 21), date(2026, 11, 22))
    open_world.reset()
    assert open_world.properties() == []
    open_world.state = pickle.loads(stored)
    assert open_world.calendar("test-property", date(2026, 11, 21), date(2026, 11, 22)) == before


def test_the_same_property_twice_has_the_same_ids(world, ids):
    rates = (RateSpec("bar", "Best Available Rate"),)
    again = world.add_property(
        PropertySpec("test-property", "x", "USD", "UTC", (RoomSpec("twin", "Twin", 8, rates=rates),))
    )
    assert again["id"] == ids["id"]
    assert again["rooms"]["twin"]["rates"]["bar"] == ids["rooms"]["twin"]["rates"]["bar"]
    assert [product["room"] for product in world.properties()[0]["products"]] == ["twin", "twin", "double", "double"]


def test_nobody_can_ask_for_what_is_not_there(world):
    for ask in (
        lambda: world.calendar("x", date(2026, 11, 1), date(2026, 11, 1)),
        lambda: world.bookings("x"),
        lambda: world.cancel("x", notify=True),
        lambda: world.change("x", {}, notify=True),
        lambda: world.message({"booking": "x", "text": "Hello"}),
        lambda: world.review({}),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.status == 404
