"""The list of events: whole, in order, and to each key no more than its scopes and its hotels show it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from innsync.api.tests.asking import pointers, problem
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.services import create_api_key
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import handlers  # noqa: F401  # what the relay calls
from innsync.apps.events import relay, services, stream


def happen(house: SampleHouse, type: str = "booking.created", at: UUID | None = None, **data: Any) -> None:
    with tenant(house.organization_id):
        services.record(
            organization_id=house.organization_id,
            property_id=at or house.property.id,
            type=type,
            at=datetime.now(UTC),
            data=data,
        )


def place() -> None:
    stream.place(datetime.now(UTC))


def settle() -> None:
    """What the relay does."""
    while relay.relay_once():
        pass
    place()


def listed(client: httpx.Client, **asked: Any) -> list[dict[str, Any]]:
    """All pages of it."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/events", params={**asked, **cursor}).raise_for_status().json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


@pytest.fixture(autouse=True)
def calm(database: str) -> None:
    settle()


def test_a_sale_is_told_as_a_booking_and_as_what_it_leaves(client: httpx.Client, house: SampleHouse):
    last = client.get("/events").raise_for_status().json()["resume_after"]
    booked = client.post("/bookings", json=house.booking(arrive=10, nights=2)).json()
    settle()
    items = listed(client, **({"after": last} if last else {}))
    booking, availability = (one for one in items if one["type"] in ("booking.created", "availability.changed"))
    assert booking["data"] == {"booking_id": booked["booking_id"], "code": booked["code"], "channel": "direct"}
    assert availability["data"] == {
        "nights": [{"room_type_id": str(house.room_types["double"].id), "first": house.day(10), "last": house.day(11)}]
    }
    assert {one["property_id"] for one in items} == {str(house.property.id)}
    assert all(datetime.fromisoformat(one["occurred_at"]) and one["occurred_at"].endswith("Z") for one in items)


def test_new_prices_say_which_nights_they_are_for(client: httpx.Client, house: SampleHouse):
    settle()
    (told,) = listed(client, types="rates.changed")
    assert {one["room_type_id"] for one in told["data"]["nights"]} == {str(one.id) for one in house.room_types.values()}
    assert set(told["data"]) == {"nights"}, "who did it is the hotel's own affair"


def test_pages_are_whole_and_in_order(client: httpx.Client, house: SampleHouse):
    for number in range(25):
        happen(house, code=str(number))
    place()
    assert [one["data"]["code"] for one in listed(client, types="booking.created", limit=4)] == [
        str(number) for number in range(25)
    ]
    items = listed(client, types="booking.created")
    rest = listed(client, types="booking.created", after=items[9]["id"], limit=7)
    assert rest == items[10:]
    end = client.get("/events", params={"after": items[-1]["id"]}).json()
    assert end == {"items": [], "next_cursor": None, "resume_after": items[-1]["id"]}


def test_a_look_for_few_among_many_comes_to_an_end(
    client: httpx.Client, house: SampleHouse, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stream, "LOOKED_THROUGH", 10)
    for number in range(35):
        happen(house, "content.changed" if number % 30 == 7 else "booking.created", what=str(number))
    place()
    first = client.get("/events", params={"types": "sync.failed"}).json()
    assert first["items"] == []
    assert first["next_cursor"]
    assert [one["data"]["what"] for one in listed(client, types="content.changed", limit=1)] == ["7"]


def test_each_key_sees_what_its_scopes_show(address: str, house: SampleHouse):
    for type in ("booking.created", "content.changed", "availability.changed", "rooms.assigned", "member.invited"):
        happen(house, type, guest={"email": "sarah@example.com"}, actor="Pat", what="photos")
    place()
    for scope, seen in {
        "bookings:read": {"booking.created"},
        "bookings:write": set(),
        "content:read": {"content.changed"},
        "availability:read": {"availability.changed", "rates.changed"},
    }.items():
        _, secret = create_api_key(organization_id=house.organization_id, name=scope, scopes=[scope])
        with calling(address, secret) as client:
            items = listed(client)
            assert {one["type"] for one in items} == seen
            assert "sarah@example.com" not in str(items)
            assert "Pat" not in str(items)


def test_a_key_of_one_hotel_hears_nothing_of_others(address: str, house: SampleHouse):
    stranger = sample_house()
    happen(stranger)
    happen(house)
    with tenant(house.organization_id), sql() as cursor:
        other = uuid4()
        cursor.execute(
            "INSERT INTO properties_property SELECT (jsonb_populate_record(p, jsonb_build_object('id', %s::text,"
            " 'code', %s::text))).* FROM properties_property p WHERE id = %s",
            (str(other), f"hotel-{other.hex[:8]}", house.property.id),
        )
    happen(house, at=other, code="theirs")
    place()
    _, secret = create_api_key(
        organization_id=house.organization_id, name="One", scopes=["bookings:read"], property_ids=[house.property.id]
    )
    with calling(address, secret) as client, calling(address, house.secret) as all_of_it:
        assert {one["property_id"] for one in listed(client)} == {str(house.property.id)}
        assert [one["data"] for one in listed(all_of_it, property=str(other))] == [{"code": "theirs"}]
        assert listed(all_of_it, property=house.property.code, types="booking.created")
        refused = client.get("/events", params={"property": str(other)})
        assert pointers(refused, 404) == ["/property"]


def test_what_is_asked_wrongly_is_told(client: httpx.Client, address: str, house: SampleHouse):
    stranger = sample_house()
    happen(stranger)
    place()
    with calling(address, stranger.secret) as theirs:
        foreign = listed(theirs, types="booking.created")[0]["id"]
    assert pointers(client.get("/events", params={"after": foreign})) == ["/after"]
    assert pointers(client.get("/events", params={"after": "x"})) == ["/after"]
    assert pointers(client.get("/events", params={"types": "booking.made"})) == ["/types"]
    assert pointers(client.get("/events", params={"limit": 0})) == ["/limit"]
    assert httpx.get(f"{address}/api/booking-engine/events").status_code == 401
    _, secret = create_api_key(organization_id=house.organization_id, name="x", scopes=["content:read"])
    with calling(address, secret) as narrow:
        refused = narrow.get("/events", params={"types": "booking.created"})
        assert (refused.status_code, problem(refused)["type"]) == (403, "/problems/forbidden")
