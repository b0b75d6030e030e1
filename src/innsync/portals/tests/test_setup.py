"""Setting a property up by clicking: from an empty organization to rooms that can be booked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Property, Room, RoomType
from innsync.apps.rates.models import Product, RatePlan
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import services as reservations
from innsync.apps.setup.services import read_room_names
from innsync.domain.channel import GuestDetails
from innsync.domain.errors import InvalidField
from innsync.domain.occupancy import Occupancy
from innsync.domain.stay import StayDates

NEW = {
    "name": "Harbour Inn",
    "kind": "hotel",
    "time_zone": "Europe/Lisbon",
    "currency": "eur",
    "check_in_time": "15:00",
    "check_out_time": "11:00",
    "description": "",
}
TYPE = {
    "name": "Double",
    "rooms": "101-103, 201",
    "max_adults": "2",
    "max_children": "1",
    "max_occupancy": "3",
    "price": "129.00",
}


def told(answer) -> str:
    return " ".join(str(one) for one in answer.context["messages"])


@pytest.fixture
def made(enter, house):
    """A property made by clicking, and the browser."""
    client = enter()
    answer = client.post("/properties/new", NEW, follow=True)
    assert "Its rooms come next." in told(answer)
    with tenant(house.organization.id):
        return client, Property.objects.get(code="harbour-inn")


def test_from_nothing_to_a_room_that_can_be_booked(house, made):
    client, prop = made
    answer = client.post(f"/properties/{prop.id}/types", TYPE, follow=True)
    assert "Double can be sold from today on." in told(answer)
    client.post(f"/properties/{prop.id}/plans", {"name": "Saver", "parent": _plan(house, prop), "percent": "-10"})
    now = datetime.now(UTC)
    with tenant(house.organization.id):
        assert list(Room.objects.filter(property=prop).values_list("name", flat=True)) == ["101", "102", "103", "201"]
        found = get_house(organization_id=house.organization.id, key=prop.id)
        first = found.today(now) + timedelta(days=700)
        saver = RatePlan.objects.get(property=prop, code="saver")
        record = reservations.book(
            house=found,
            stay=StayDates(first, first + timedelta(days=2)),
            rooms=[reservations.RoomRequest(RoomType.objects.get(property=prop).id, saver.id, Occupancy(2), "Ada")],
            guest=GuestDetails("Ada", "ada@example.org"),
            now=now,
            actor="test",
        )
    assert record.total_minor == 2 * 11_610


def _plan(house, prop) -> str:
    with tenant(house.organization.id):
        return str(RatePlan.objects.get(property=prop, parent=None).id)


def test_the_way_to_the_first_booking_says_what_is_left(made):
    client, prop = made
    text = client.get(f"/properties/{prop.id}").content.decode()
    assert "Add its room types and rooms." in text
    assert "It has a rate plan." in text
    client.post(f"/properties/{prop.id}/types", TYPE)
    text = client.get(f"/properties/{prop.id}").content.decode()
    assert "It has rooms." in text
    assert f'/connect?property={prop.code}">Connect a channel.' in text


def test_two_properties_of_one_name_have_codes_of_their_own(made, house):
    client, _ = made
    client.post("/properties/new", NEW)
    with tenant(house.organization.id):
        assert set(Property.objects.filter(name="Harbour Inn").values_list("code", flat=True)) == {
            "harbour-inn",
            "harbour-inn-2",
        }


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Name"),
        ("time_zone", "Lisbon", "no time zone"),
        ("time_zone", "../etc/passwd", "no time zone"),
        ("currency", "EU1", "no currency"),
        ("check_in_time", "late", "Check-in from"),
        ("kind", "castle", "Kind"),
    ],
)
def test_a_property_that_cannot_be_is_named_and_what_was_typed_stays(enter, house, field, value, words):
    answer = enter().post("/properties/new", NEW | {field: value, "description": "by the sea"}, follow=True)
    assert words in told(answer)
    assert "Nothing was changed." in told(answer)
    assert "by the sea" in answer.content.decode()
    with tenant(house.organization.id):
        assert not Property.objects.filter(code__startswith="harbour-inn").exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("rooms", "", "Rooms"),
        ("rooms", "101-9999999", "is not a range"),
        ("rooms", "101, 101", "must each have a name of its own"),
        ("rooms", "x" * 41, "at most 40 letters"),
        ("price", "129.005", "no amount in EUR"),
        ("price", "0", "more than nothing"),
        ("max_occupancy", "1", "at least as many as adults"),
        ("max_adults", "many", "Adults at most"),
    ],
)
def test_a_room_type_that_cannot_be_changes_nothing(house, made, field, value, words):
    client, prop = made
    answer = client.post(f"/properties/{prop.id}/types", TYPE | {field: value}, follow=True)
    assert words in told(answer)
    with tenant(house.organization.id):
        assert not RoomType.objects.filter(property=prop).exists()
        assert not Product.objects.filter(property=prop).exists()


def test_further_rooms_are_on_sale_at_once_and_names_are_not_given_twice(house, made):
    client, prop = made
    client.post(f"/properties/{prop.id}/types", TYPE)
    with tenant(house.organization.id):
        kind = RoomType.objects.get(property=prop)
    path = f"/properties/{prop.id}/types/{kind.id}/rooms"
    assert "2 rooms more" in told(client.post(path, {"names": "104-105"}, follow=True))
    assert "no room of the property has" in told(client.post(path, {"names": "105"}, follow=True))
    with tenant(house.organization.id):
        assert Room.objects.filter(property=prop).count() == 6


def test_details_are_changed_but_not_the_clock_or_the_money(house, made):
    client, prop = made
    said = NEW | {"name": "Harbour House", "description": "By the sea", "time_zone": "Asia/Tokyo", "currency": "JPY"}
    client.post(f"/properties/{prop.id}", said)
    with tenant(house.organization.id):
        prop.refresh_from_db()
    assert (prop.name, prop.description, prop.code) == ("Harbour House", "By the sea", "harbour-inn")
    assert (prop.time_zone, prop.currency) == ("Europe/Lisbon", "EUR")


def test_another_organizations_property_is_not_there(enter, other):
    client, kind = enter(), other.types["double"].id
    for path in (f"/properties/{other.property.id}", f"/properties/{other.property.id}/types/{kind}/rooms"):
        assert client.post(path, {"names": "x"} | NEW).status_code == 404
    assert other.property.name not in client.get("/properties?q=Harbour").content.decode().replace(
        "Harbour Hotel", "", 1
    )


def test_who_sees_some_properties_only_adds_none(enter, house):
    answer = enter("manager", [house.property.id]).post("/properties/new", NEW, follow=True)
    assert "Only those who see all properties" in told(answer)
    with tenant(house.organization.id):
        assert not Property.objects.filter(code="harbour-inn").exists()


def test_a_plan_follows_only_plans_of_its_own_property(made):
    client, prop = made
    answer = client.post(f"/properties/{prop.id}/plans", {"name": "X", "parent": str(uuid4())}, follow=True)
    assert "Prices" in told(answer)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("101-103", ["101", "102", "103"]),
        ("A1-A3; B", ["A1", "A2", "A3", "B"]),
        ("008 - 010", ["008", "009", "010"]),
        ("Sea-View, Penthouse 2", ["Sea-View", "Penthouse 2"]),
        (" , ,", []),
    ],
)
def test_names_of_rooms_are_read_as_people_type_them(text, names):
    assert read_room_names(text) == names


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        names = read_room_names(text)
    except InvalidField:
        return
    assert all(name == name.strip() and name for name in names)
