"""Making a booking, and what makes none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from innsync.api.tests.asking import bookings_of, pointers, problem, sold
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.rates.selectors import get_house
from innsync.apps.rates.services import RateEdit, set_rates


def test_a_booking_is_made_and_read_again(client: httpx.Client, house: SampleHouse):
    made = client.post("/bookings", json=house.booking(external_id="W-77", special_requests="A quiet room,\nplease"))
    assert made.status_code == 201, made.text
    booking = made.json()
    assert booking["status"] == "confirmed"
    assert booking["channel"] == "direct"
    assert booking["nights"] == 2
    # two nights, city tax for two persons and two nights, cleaning
    assert booking["total"] == {"amount": "238.00", "currency": "EUR"}
    assert [night["amount"] for night in booking["rooms"][0]["nightly"]] == ["100.00", "100.00"]
    assert booking["guest"]["name"] == "Sarah Johnson"
    assert booking["external_id"] == "W-77"
    assert booking["version"] == 1
    assert booking["sync"] == {}
    assert made.headers["ETag"] == '"1"'
    read = client.get(f"/bookings/{booking['booking_id']}")
    assert read.json() == booking
    assert made.headers["Location"].endswith(booking["booking_id"])
    assert sold(house, "double", 9, 10, 11, 12) == [0, 1, 1, 0]


def test_the_total_of_a_booking_is_that_of_its_offer(client: httpx.Client, house: SampleHouse):
    stay = {"check_in": house.day(5), "check_out": house.day(9), "adults": 2}
    offers = client.get(f"/availability/{house.property.code}", params=stay).json()["offers"]
    for offer in offers:
        body = house.booking(arrive=5, nights=4, expected_total=offer["total"])
        body["rooms"] = [{"room_type_id": offer["room_type_id"], "rate_plan_id": offer["rate_plan_id"], "adults": 2}]
        made = client.post("/bookings", json=body)
        assert made.status_code == 201, made.text
        assert made.json()["total"] == offer["total"]
        assert made.json()["rooms"][0]["nightly"] == offer["nightly"]


def test_codes_may_stand_in_place_of_ids(client: httpx.Client, house: SampleHouse):
    body = house.booking(hotel_id=house.property.code)
    body["rooms"] = [{"room_type_code": "family", "rate_plan_code": "nonref", "adults": 3, "children": 1}]
    made = client.post("/bookings", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["rooms"][0]["child_ages"] == [17]


def test_the_last_room_taken_meanwhile_is_refused_naming_its_nights(client: httpx.Client, house: SampleHouse):
    for _ in range(3):
        assert client.post("/bookings", json=house.booking(arrive=11, nights=1)).status_code == 201
    refused = client.post("/bookings", json=house.booking(arrive=10, nights=3))
    assert refused.status_code == 409
    said = problem(refused)
    assert said["type"] == "/problems/sold-out"
    assert [one["date"] for one in said["errors"]] == [house.day(11)]
    assert sold(house, "double", 10, 11, 12) == [0, 3, 0]


def test_a_moved_price_is_refused_with_the_new_offer(client: httpx.Client, house: SampleHouse):
    wrong = {"amount": "1.00", "currency": "EUR"}
    refused = client.post("/bookings", json=house.booking(expected_total=wrong))
    assert refused.status_code == 409
    said = problem(refused)
    assert said["type"] == "/problems/price-changed"
    assert said["offer"][0]["total"] == {"amount": "238.00", "currency": "EUR"}
    assert bookings_of(house) == 0
    assert sold(house, "double", 10) == [0]


def test_a_stay_that_rules_forbid_is_refused_with_the_reasons_of_explain(client: httpx.Client, house: SampleHouse):
    product = house.products["double", "bar"]
    with tenant(house.organization_id):
        edit = RateEdit(product.id, house.today, house.today + timedelta(days=20), {"min_stay_arrival": 3})
        set_rates(
            organization_id=house.organization_id,
            property_id=house.property.id,
            edits=[edit],
            now=datetime.now(UTC),
            actor="test",
        )
    refused = client.post("/bookings", json=house.booking())
    assert refused.status_code == 409
    assert problem(refused)["type"] == "/problems/not-sellable"
    assert problem(refused)["reasons"] == ["min_stay:3"]
    stay = {"check_in": house.day(10), "check_out": house.day(12), "adults": 2, "explain": "true"}
    explained = client.get(f"/availability/{house.property.id}", params=stay).json()["unavailable"]
    assert {"room_type_code": "double", "rate_plan_code": "bar", "reasons": ["min_stay:3"]} in explained


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"check_in": "2026-02-30"}, "/check_in"),
        ({"check_in": "tomorrow"}, "/check_in"),
        ({"check_in": 1790000000}, "/check_in"),
        ({"check_in": "2020-01-01"}, "/check_in"),
        ({"check_out": "2099-01-01"}, "/check_out"),
        ({"rooms": []}, "/rooms"),
        ({"rooms": [{"room_type_id": "double", "rate_plan_id": "bar", "adults": 0}]}, "/rooms/0/adults"),
        ({"rooms": [{"room_type_id": "double", "rate_plan_id": "bar", "adults": "2"}]}, "/rooms/0/adults"),
        ({"rooms": [{"room_type_id": "double", "rate_plan_id": "bar", "adults": 3}]}, "/rooms/0/adults"),
        ({"rooms": [{"room_type_id": "attic", "rate_plan_id": "bar", "adults": 1}]}, "/rooms/0/room_type_id"),
        ({"rooms": [{"room_type_id": "double", "rate_plan_id": "gold", "adults": 1}]}, "/rooms/0/rate_plan_id"),
        ({"rooms": [{"rate_plan_id": "bar", "adults": 1}]}, "/rooms/0/room_type_id"),
        (
            {
                "rooms": [
                    {"room_type_id": "double", "rate_plan_id": "bar", "adults": 1, "children": 2, "child_ages": [3]}
                ]
            },
            "/rooms/0/child_ages",
        ),
        ({"guest": {"name": ""}}, "/guest/name"),
        ({"guest": {"name": "A\x00B"}}, "/guest/name"),
        ({"guest": {"name": "Ann", "email": "not an address"}}, "/guest/email"),
        ({"guest": {"name": "Ann", "nickname": "A"}}, "/guest/nickname"),
        ({"guest": None}, "/guest"),
        ({"special_requests": "x" * 4001}, "/special_requests"),
        ({"hold_id": "mine"}, "/hold_id"),
        ({"expected_total": {"amount": 238.0, "currency": "EUR"}}, "/expected_total/amount"),
        ({"expected_total": {"amount": "238.005", "currency": "EUR"}}, "/expected_total/amount"),
        ({"expected_total": {"amount": "238.00", "currency": "USD"}}, "/expected_total/currency"),
        ({"promo": "SUMMER"}, "/promo"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_bad_input_names_the_field_and_writes_nothing(
    client: httpx.Client, house: SampleHouse, change: dict[str, object], pointer: str
):
    assert pointer in pointers(client.post("/bookings", json=house.booking() | change))
    assert bookings_of(house) == 0
    assert sold(house, "double", 10, 11) == [0, 0]


@pytest.mark.parametrize("key", ["no-such-hotel", "4b0d6f0e-3a52-4a7e-9f0a-6f1c2d3e4f50"])
def test_a_hotel_that_the_key_does_not_know_is_named_as_the_bad_field(
    client: httpx.Client, house: SampleHouse, address: str, key: str
):
    wanted = house.booking(hotel_id=key)
    made = client.post("/bookings", json=house.booking()).json()
    held = {name: wanted[name] for name in ("hotel_id", "check_in", "check_out")} | {
        "rooms": [{"room_type_id": "double"}]
    }
    for refused in (
        client.post("/bookings", json=wanted, headers={"Idempotency-Key": uuid4().hex}),
        client.post("/holds", json=held),
        client.put(f"/bookings/{made['booking_id']}", json={"hotel_id": key}),
    ):
        assert pointers(refused, 404) == ["/hotel_id"]
        assert problem(refused)["type"] == "/problems/not-found"
    assert "errors" not in problem(client.get(f"/hotels/{key}"))
    narrow = sample_house(property_ids=[uuid4()])
    with calling(address, narrow.secret) as other:
        unseen = other.post("/bookings", json=narrow.booking())
    assert pointers(unseen, 404) == ["/hotel_id"]


def test_a_reversed_stay_names_check_out(client: httpx.Client, house: SampleHouse):
    assert pointers(client.post("/bookings", json=house.booking(nights=-1))) == ["/check_out"]


def test_a_stay_longer_than_a_year_names_check_out(client: httpx.Client, house: SampleHouse):
    assert pointers(client.post("/bookings", json=house.booking(arrive=1, nights=367))) == ["/check_out"]


def test_card_numbers_that_a_guest_types_are_not_kept(client: httpx.Client, house: SampleHouse):
    words = "My card is 4111 1111 1111 1111, thank you"
    made = client.post("/bookings", json=house.booking(special_requests=words, external_id="4111111111111111"))
    assert made.status_code == 201
    with tenant(house.organization_id), sql() as cursor:
        kept = cursor.execute(
            "SELECT special_requests || external_id || (SELECT string_agg(snapshot::text, '') FROM reservations_revision)"
            " FROM reservations_booking"
        ).fetchone()[0]
    assert "thank you" in kept
    assert "4111 1111" not in kept
    assert "41111111" not in kept


def test_a_booking_of_another_organization_is_unknown(client: httpx.Client, house: SampleHouse, address: str):
    made = client.post("/bookings", json=house.booking()).json()
    stranger = sample_house()
    with calling(address, stranger.secret) as other:
        for answer in (
            other.get(f"/bookings/{made['booking_id']}"),
            other.put(f"/bookings/{made['booking_id']}", json={"special_requests": "x"}),
            other.delete(f"/bookings/{made['booking_id']}"),
            other.post("/bookings", json=house.booking()),
            other.get(f"/hotels/{house.property.id}"),
        ):
            assert answer.status_code == 404
            problem(answer)
    with tenant(stranger.organization_id):
        assert get_house(organization_id=stranger.organization_id, key=stranger.property.code).name == "Sample Hotel"
