"""Setting a property up by clicking: from an empty organization to rooms that can be booked."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from innsync.apps.accounts.models import ApiKey
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
        ("name", "", "This field is required"),
        ("time_zone", "Lisbon", "no time zone"),
        ("time_zone", "../etc/passwd", "no time zone"),
        ("currency", "EU1", "no currency"),
        ("check_in_time", "late", "Enter a valid time"),
        ("kind", "castle", "not one of the available choices"),
    ],
)
def test_a_property_that_cannot_be_is_named_and_what_was_typed_stays(enter, house, field, value, words):
    answer = enter().post("/properties/new", NEW | {field: value, "description": "by the sea"})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert words in text
    assert f'id="f-{field}_error"' in text
    assert "by the sea" in text
    with tenant(house.organization.id):
        assert not Property.objects.filter(code__startswith="harbour-inn").exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("rooms", "", "This field is required"),
        ("rooms", "101-9999999", "is not a range"),
        ("rooms", "101, 101", "must each have a name of its own"),
        ("rooms", "x" * 41, "at most 40 letters"),
        ("price", "129.0055", "no amount in EUR"),
        ("price", "0", "more than nothing"),
        ("max_occupancy", "1", "at least as many as adults"),
        ("max_adults", "many", "Enter a whole number"),
    ],
)
def test_a_room_type_that_cannot_be_changes_nothing(house, made, field, value, words):
    client, prop = made
    answer = client.post(f"/properties/{prop.id}/types", TYPE | {field: value})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert words in text
    assert f'id="t-{field}_error"' in text
    assert 'value="Double"' in text
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
    text = client.post(path, {"names": "105"}).content.decode()
    assert "no room of the property has" in text
    assert 'value="105"' in text
    with tenant(house.organization.id):
        assert Room.objects.filter(property=prop).count() == 6


DETAILS = {
    "name": "Harbour House",
    "kind": "hotel",
    "check_in_time": "14:00",
    "check_out_time": "10:30",
    "street": "Rua do Porto 1",
    "country": "pt",
    "latitude": "38.7",
    "longitude": "-9.1",
    "description": "By the sea",
    "amenities": ["pool", "wifi"],
}


def test_details_are_changed_but_not_the_clock_or_the_money(house, made):
    client, prop = made
    with tenant(house.organization.id):
        Property.objects.filter(id=prop.id).update(amenities=["helicopter"], address={"floor": "3"})
    answer = client.post(
        f"/properties/{prop.id}/details", DETAILS | {"time_zone": "Asia/Tokyo", "currency": "JPY"}, follow=True
    )
    assert "Saved." in told(answer)
    with tenant(house.organization.id):
        prop.refresh_from_db()
    assert (prop.name, prop.description, prop.code) == ("Harbour House", "By the sea", "harbour-inn")
    assert (prop.time_zone, prop.currency) == ("Europe/Lisbon", "EUR")
    assert prop.address == {"floor": "3", "street": "Rua do Porto 1", "country": "PT"}
    assert prop.amenities == ["wifi", "pool", "helicopter"]
    text = client.get(f"/properties/{prop.id}/details").content.decode()
    assert "Rua do Porto 1" in text
    assert 'value="14:00"' in text


def test_a_kind_that_a_program_chose_is_offered_and_stays(house, made):
    client, prop = made
    with tenant(house.organization.id):
        Property.objects.filter(id=prop.id).update(kind="igloo")
    client.post(f"/properties/{prop.id}/details", DETAILS | {"kind": "igloo"})
    with tenant(house.organization.id):
        assert Property.objects.get(id=prop.id).kind == "igloo"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("country", "Portugal", "two letters"),
        ("latitude", "91", "less than or equal to 90"),
        ("longitude", "", "give both or none"),
        ("name", "", "This field is required"),
        ("amenities", ["minibar"], "not one of the available choices"),
    ],
)
def test_details_that_cannot_be_are_said_beside_the_field_and_what_was_typed_stays(house, made, field, value, words):
    client, prop = made
    answer = client.post(f"/properties/{prop.id}/details", DETAILS | {field: value, "description": "Quite new"})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "Quite new" in answer.content.decode()
    with tenant(house.organization.id):
        assert Property.objects.get(id=prop.id).name == "Harbour Inn"


def _token(client, path):
    """What the page's form carries, so that it works once."""
    found = re.search(r'name="once" value="([^"]+)"', client.get(path).content.decode())
    assert found
    return found[1]


def test_a_property_whose_form_is_sent_twice_is_made_once(enter, house):
    client = enter()
    token = _token(client, "/properties/new")
    answers = [client.post("/properties/new", NEW | {"once": token}) for _ in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert [one.status_code for one in answers] == [303, 303]
    with tenant(house.organization.id):
        assert Property.objects.filter(name="Harbour Inn").count() == 1
    client.post("/properties/new", NEW | {"once": token, "name": "Harbour Annexe"})
    with tenant(house.organization.id):
        assert Property.objects.filter(name="Harbour Annexe").count() == 1


def test_clicks_at_the_same_moment_make_one_property(house, enter):
    signed = enter()
    barrier = threading.Barrier(3)
    form = NEW | {"once": "the same moment"}

    def click() -> None:
        client = Client()
        client.cookies = signed.cookies
        barrier.wait()
        try:
            client.post("/properties/new", form)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with tenant(house.organization.id):
        assert Property.objects.filter(name="Harbour Inn").count() == 1


def test_a_refused_form_can_be_sent_again_with_the_same_token(enter, house):
    client = enter()
    assert client.post("/properties/new", NEW | {"once": "t", "name": ""}).status_code == 422
    assert client.post("/properties/new", NEW | {"once": "t"}).status_code == 303


def test_a_key_whose_form_is_sent_twice_is_made_once(enter, house):
    client = enter("administrator")
    form = {"name": "Website", "scope": ["content:read"], "reach": "all", "once": "two clicks"}
    for _ in range(2):
        client.post("/api-keys/create", form)
    with tenant(house.organization.id):
        assert ApiKey.objects.filter(organization=house.organization, name="Website").count() == 1
    assert "The secret of Website" in client.get("/api-keys").content.decode()


def test_another_organizations_property_is_not_there(enter, other):
    client, kind = enter(), other.types["double"].id
    assert client.get(f"/properties/{other.property.id}").status_code == 404
    for path in (f"/properties/{other.property.id}/details", f"/properties/{other.property.id}/types/{kind}/rooms"):
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
    answer = client.post(f"/properties/{prop.id}/plans", {"name": "X", "parent": str(uuid4())})
    assert answer.status_code == 422
    assert "p-parent_error" in answer.content.decode()


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
