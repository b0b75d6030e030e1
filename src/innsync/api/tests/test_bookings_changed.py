"""Changing and cancelling a booking."""

from __future__ import annotations

import httpx

from innsync.api.tests.asking import problem, sold
from innsync.api.tests.samples import SampleHouse


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
