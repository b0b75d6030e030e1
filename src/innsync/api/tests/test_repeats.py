"""The same request again, under its key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx

from innsync.api.tests.asking import bookings_of, problem
from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts import idempotency
from innsync.apps.accounts.tenancy import tenant


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
