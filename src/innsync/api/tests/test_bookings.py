from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest

from innsync.api import schemas
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts import idempotency
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.rates.selectors import get_house
from innsync.apps.rates.services import RateEdit, set_rates
from innsync.apps.reservations.models import Booking


def sold(house: SampleHouse, room: str, *nights: int) -> list[int]:
    """Rooms sold on these nights, counted from today."""
    with tenant(house.organization_id), sql() as cursor:
        rows = dict(
            cursor.execute(
                "SELECT day, sold FROM inventory_stockday WHERE property_id = %s AND room_type_id = %s",
                (house.property.id, house.room_types[room].id),
            ).fetchall()
        )
    return [rows[house.today + timedelta(days=night)] for night in nights]


def bookings_of(house: SampleHouse) -> int:
    with tenant(house.organization_id):
        return Booking.objects.count()


def problem(response: httpx.Response) -> dict[str, object]:
    """The problem document; every refusal must be one."""
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert body["instance"] == response.headers["X-Request-Id"]
    return body


def pointers(response: httpx.Response, status: int = 422) -> list[str]:
    assert response.status_code == status, response.text
    return [one["pointer"] for one in problem(response)["errors"]]


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


def test_a_change_moves_the_nights_and_is_priced_anew(client: httpx.Client, house: SampleHouse):
    made = client.post("/bookings", json=house.booking())
    path = f"/bookings/{made.json()['booking_id']}"
    changed = client.put(
        path,
        json={"check_out": house.day(13), "special_requests": "Late arrival"},
        headers={"If-Match": made.headers["ETag"]},
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["total"]["amount"] == "342.00"
    assert changed.json()["special_requests"] == "Late arrival"
    assert changed.headers["ETag"] == '"2"'
    assert sold(house, "double", 10, 11, 12, 13) == [1, 1, 1, 0]


def test_a_change_that_finds_no_room_changes_nothing(client: httpx.Client, house: SampleHouse):
    made = client.post("/bookings", json=house.booking())
    for _ in range(2):
        client.post("/bookings", json=house.booking(arrive=13, nights=1, room="family"))
    path = f"/bookings/{made.json()['booking_id']}"
    body = {"check_out": house.day(14), "rooms": [{"room_type_id": "family", "rate_plan_id": "bar", "adults": 2}]}
    refused = client.put(path, json=body)
    assert refused.status_code == 409
    assert problem(refused)["type"] == "/problems/sold-out"
    assert client.get(path).json() == made.json()
    assert sold(house, "double", 10, 11) == [1, 1]
    assert sold(house, "family", 10, 13) == [0, 2]


def test_a_stale_change_and_a_stale_cancellation_are_refused(client: httpx.Client, house: SampleHouse):
    made = client.post("/bookings", json=house.booking())
    path = f"/bookings/{made.json()['booking_id']}"
    assert client.put(path, json={"special_requests": "One"}, headers={"If-Match": '"1"'}).status_code == 200
    for stale in ('"1"', "nonsense", '"7", "8"'):
        refused = client.put(path, json={"special_requests": "Two"}, headers={"If-Match": stale})
        assert refused.status_code == 412
        assert problem(refused)["type"] == "/problems/stale"
        assert refused.headers["ETag"] == '"2"'
    assert client.delete(path, headers={"If-Match": '"1"'}).status_code == 412
    assert client.get(path).json()["special_requests"] == "One"
    assert client.put(path, json={"special_requests": "Three"}, headers={"If-Match": 'W/"2"'}).status_code == 200


def test_a_cancellation_answers_the_fee_and_the_refund_and_frees_the_nights(client: httpx.Client, house: SampleHouse):
    early = client.post("/bookings", json=house.booking(arrive=30)).json()
    late = client.post("/bookings", json=house.booking(arrive=1)).json()
    free = client.delete(f"/bookings/{early['booking_id']}").json()
    assert free["status"] == "cancelled"
    assert free["cancellation"]["fee"] == {"amount": "0.00", "currency": "EUR"}
    assert free["cancellation"]["refund_due"] == early["total"]
    charged = client.delete(f"/bookings/{late['booking_id']}").json()
    assert charged["cancellation"]["fee"]["amount"] == "100.00"
    assert charged["cancellation"]["refund_due"]["amount"] == "138.00"
    assert sold(house, "double", 1, 2, 30, 31) == [0, 0, 0, 0]
    again = client.delete(f"/bookings/{late['booking_id']}")
    assert again.json()["cancellation"] == charged["cancellation"]
    refused = client.put(f"/bookings/{late['booking_id']}", json={"special_requests": "Back again"})
    assert problem(refused)["type"] == "/problems/not-changeable"


def test_the_history_tells_every_state(client: httpx.Client, house: SampleHouse):
    path = f"/bookings/{client.post('/bookings', json=house.booking()).json()['booking_id']}"
    client.put(path, json={"guest": {"name": "Sarah Miller", "email": "sarah@example.com"}})
    client.delete(path)
    assert "history" not in client.get(path).json()
    history = client.get(path, params={"include": "history"}).json()["history"]
    assert [one["action"] for one in history] == ["booked", "modified", "cancelled"]
    assert {"path": "/guest/name", "before": "Sarah Johnson", "after": "Sarah Miller"} in history[1]["changes"]
    assert history[0]["actor"] == "api:Sample website"
    assert history[1]["summary"] == [
        "Guest name changed from “Sarah Johnson” to “Sarah Miller”",
        "Guest phone removed (was “+1 850 555 0100”)",
    ]


def test_the_history_tells_changes_as_the_booking_shows_them_with_money(client: httpx.Client, house: SampleHouse):
    def euros(amount: str) -> dict[str, str]:
        return {"amount": amount, "currency": "EUR"}

    two = [{"room_type_id": "double", "rate_plan_id": "bar", "adults": 2} for _ in range(2)]
    path = f"/bookings/{client.post('/bookings', json=house.booking(arrive=1, rooms=two)).json()['booking_id']}"
    states = [client.get(path).json()]
    family = {"room_type_id": "family", "rate_plan_id": "bar", "adults": 3, "child_ages": [4]}
    for change in (
        {"check_out": house.day(4)},
        {"rooms": [family, two[1]]},
        {"rooms": [family]},
    ):
        changed = client.put(path, json=change)
        assert changed.status_code == 200, changed.text
        states.append(changed.json())
    states.append(client.delete(path).json())
    history = client.get(path, params={"include": "history"}).json()["history"]
    assert history[0]["changes"] == []
    for entry, (before, after) in zip(history[1:], pairwise(states), strict=True):
        assert entry["changes"]
        for change in entry["changes"]:
            place = change["path"]
            old, new = same_rooms(before, after, gone=change["after"] is None)
            for value, state in ((change["before"], old), (change["after"], new)):
                stands = place_in(state, place)
                assert plain(value) == plain(stands) or value == euros(stands), (place, value, stands)
    told = [{one["path"]: (one["before"], one["after"]) for one in entry["changes"]} for entry in history]
    assert told[1]["/check_out"] == (house.day(3), house.day(4))
    assert told[1]["/total"] == (euros(states[0]["total"]["amount"]), euros(states[1]["total"]["amount"]))
    assert told[1]["/rooms/1/nightly/2"] == (None, {"date": house.day(3), **euros("100.00")})
    assert told[1]["/taxes/0/amount"] == (euros("16.00"), euros("24.00"))
    assert told[4]["/status"] == ("confirmed", "cancelled")
    assert told[4]["/cancellation/fee"] == (None, states[4]["cancellation"]["fee"])
    assert told[4]["/cancellation/fee"] == (None, euros("180.00"))
    assert "Cancellation fee set to 180.00 EUR" in history[4]["summary"]
    assert (
        f"Total changed from {states[0]['total']['amount']} EUR to {states[1]['total']['amount']} EUR"
        in (history[1]["summary"])
    )
    text = json.dumps([one["changes"] for one in history])
    assert "_minor" not in text
    assert "id=" not in text
    for one in history:
        schemas.RevisionOut.model_validate(one)


def same_rooms(before: dict[str, Any], after: dict[str, Any], *, gone: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two with each room at the same position: where it stands afterwards, or stood before where it is gone."""
    kept = {one["room_stay_id"]: one for one in (after if gone else before)["rooms"]}
    order = [one["room_stay_id"] for one in (before if gone else after)["rooms"]]
    moved = {"rooms": [kept.get(one) for one in order]}
    return (before, after | moved) if gone else (before | moved, after)


def plain(value: Any) -> Any:
    """Without the terms of a room, and the currency that the history adds to each amount."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if name != "currency" and "policy" not in name}
    return value


def place_in(state: dict[str, Any], path: str) -> Any:
    """What stands at the place of a booking's answer; None where there is nothing."""
    found: Any = state
    for step in path.split("/")[1:]:
        if isinstance(found, list):
            found = found[int(step)] if int(step) < len(found) else None
        elif isinstance(found, dict):
            found = found.get(step)
    return found


def test_the_same_key_and_body_book_once(client: httpx.Client, house: SampleHouse):
    headers = {"Idempotency-Key": uuid4().hex}
    first = client.post("/bookings", json=house.booking(), headers=headers)
    again = client.post("/bookings", json=house.booking(), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"]
    assert bookings_of(house) == 1


def test_the_same_key_with_another_body_is_a_mismatch(client: httpx.Client, house: SampleHouse):
    headers = {"Idempotency-Key": uuid4().hex}
    client.post("/bookings", json=house.booking(), headers=headers)
    refused = client.post("/bookings", json=house.booking(arrive=20), headers=headers)
    assert refused.status_code == 422
    assert problem(refused)["type"] == "/problems/idempotency-mismatch"
    assert bookings_of(house) == 1


def test_a_refusal_is_repeated_under_its_key(client: httpx.Client, house: SampleHouse):
    headers = {"Idempotency-Key": uuid4().hex}
    body = house.booking(expected_total={"amount": "1.00", "currency": "EUR"})
    first = client.post("/bookings", json=body, headers=headers)
    again = client.post("/bookings", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (409, 409)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["Content-Type"] == "application/problem+json"


def test_sixteen_requests_with_one_key_at_once_book_once(client: httpx.Client, house: SampleHouse):
    headers = {"Idempotency-Key": uuid4().hex}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.post("/bookings", json=house.booking(), headers=headers), range(16)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["booking_id"] for one in answers}) == 1
    assert sum("Idempotent-Replayed" in one.headers for one in answers) == 15
    assert bookings_of(house) == 1


def test_keys_are_forgotten_after_two_days_and_not_before(client: httpx.Client, house: SampleHouse):
    headers = {"Idempotency-Key": uuid4().hex}
    client.post("/bookings", json=house.booking(), headers=headers)
    now = datetime.now(UTC)
    with tenant(house.organization_id):
        assert idempotency.forget_old(now=now + timedelta(hours=24)) == 0
        assert idempotency.forget_old(now=now + timedelta(hours=49)) == 1


def test_a_hold_keeps_the_room_for_its_booking(client: httpx.Client, address: str):
    house = sample_house(rooms=1)
    with calling(address, house.secret) as client:
        body = {"hotel_id": house.property.code, "check_in": house.day(10), "check_out": house.day(12)}
        held = client.post("/holds", json=body | {"rooms": [{"room_type_id": "double"}]})
        assert held.status_code == 201, held.text
        assert client.post("/bookings", json=house.booking()).status_code == 409
        made = client.post("/bookings", json=house.booking(hold_id=held.json()["hold_id"]))
        assert made.status_code == 201, made.text
        used = client.post("/bookings", json=house.booking(arrive=20, hold_id=held.json()["hold_id"]))
        assert used.status_code == 409
        assert problem(used)["type"] == "/problems/hold-gone"


def test_a_hold_given_back_frees_the_room(address: str):
    house = sample_house(rooms=1)
    with calling(address, house.secret) as client:
        body = {"hotel_id": house.property.code, "check_in": house.day(10), "check_out": house.day(12)}
        held = client.post("/holds", json=body | {"rooms": house.booking()["rooms"]}).json()
        assert client.delete(f"/holds/{held['hold_id']}").status_code == 204
        assert problem(client.delete(f"/holds/{held['hold_id']}"))["type"] == "/problems/hold-gone"
        assert client.post("/bookings", json=house.booking()).status_code == 201


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


ADA = {"name": "Ada Lovelace", "email": "ada@guest.example", "phone": "+44 20 7946 0000"}


def test_a_changed_guest_says_country_and_language_anew(client: httpx.Client, house: SampleHouse):
    made = client.post("/bookings", json=house.booking(guest=ADA)).json()
    path = f"/bookings/{made['booking_id']}"
    assert (made["guest"]["country"], made["guest"]["language"]) == ("", "")
    changed = client.put(path, json={"guest": ADA | {"country": "DE", "language": "de"}}).json()
    assert (changed["guest"]["country"], changed["guest"]["language"]) == ("DE", "de")
    again = client.put(path, json={"guest": ADA | {"country": "AT"}}).json()
    assert (again["guest"]["country"], again["guest"]["language"]) == ("AT", "de"), "saying nothing takes nothing back"
    assert client.get(path).json()["guest"] == again["guest"]


def test_a_returning_guest_says_country_and_language_anew(client: httpx.Client, house: SampleHouse):
    client.post("/bookings", json=house.booking(guest=ADA))
    made = client.post("/bookings", json=house.booking(guest=ADA | {"country": "GB", "language": "en"}, arrive=20))
    assert (made.json()["guest"]["country"], made.json()["guest"]["language"]) == ("GB", "en")


def guest_ids(house: SampleHouse) -> dict[str, object]:
    with tenant(house.organization_id):
        return {str(one.id): one.guest_id for one in Booking.objects.all()}


@pytest.mark.parametrize(
    ("guest", "same"),
    [
        (ADA | {"phone": "+44 20 7946 0999", "country": "GB"}, True),
        (ADA | {"name": "Ada King Lovelace", "country": "GB"}, True),
        ({"name": "Charles Babbage", "email": "charles@guest.example", "country": "FR"}, False),
        (ADA | {"name": "Charles Babbage", "country": "FR"}, False),  # a couple shares a mailbox
        (ADA | {"email": "another.ada@guest.example", "country": "FR"}, False),  # a namesake
    ],
)
def test_a_booking_handed_on_to_somebody_else_leaves_the_former_guest_alone(
    client: httpx.Client, house: SampleHouse, guest: dict[str, str], same: bool
):
    handed_on, kept = (
        client.post("/bookings", json=house.booking(guest=ADA | {"country": "GB"}, arrive=arrive)).json()["booking_id"]
        for arrive in (10, 20)
    )
    before = guest_ids(house)
    assert before[handed_on] == before[kept]
    changed = client.put(f"/bookings/{handed_on}", json={"guest": guest})
    assert changed.status_code == 200, changed.text
    after = guest_ids(house)
    assert (after[handed_on] == before[handed_on]) is same
    assert after[kept] == before[kept]
    assert changed.json()["guest"]["name"] == guest["name"]
    assert changed.json()["guest"]["country"] == guest["country"]
    still = client.get(f"/bookings/{kept}").json()["guest"]
    assert (still["name"], still["country"]) == ("Ada Lovelace", "GB")


def test_a_booking_handed_on_to_a_known_guest_becomes_theirs(client: httpx.Client, house: SampleHouse):
    charles = {"name": "Charles Babbage", "email": "charles@guest.example", "country": "FR"}
    theirs = client.post("/bookings", json=house.booking(guest=charles, arrive=20)).json()["booking_id"]
    handed_on = client.post("/bookings", json=house.booking(guest=ADA)).json()["booking_id"]
    changed = client.put(f"/bookings/{handed_on}", json={"guest": charles | {"country": ""}})
    assert changed.json()["guest"]["country"] == "FR"
    assert guest_ids(house)[handed_on] == guest_ids(house)[theirs]


def test_a_guest_without_an_address_stays_the_same_one_under_the_same_name(client: httpx.Client, house: SampleHouse):
    made = client.post("/bookings", json=house.booking(guest={"name": "Ada Lovelace"})).json()["booking_id"]
    before = guest_ids(house)
    changed = client.put(f"/bookings/{made}", json={"guest": {"name": "Ada Lovelace", "country": "GB"}})
    assert changed.json()["guest"]["country"] == "GB"
    assert guest_ids(house) == before
