"""A key that is withdrawn, and a signing key that is ended, mean nothing to any web process a second later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.apps.accounts.services import revoke_api_key
from innsync.apps.tokens import signing
from tests.flows.serving import Start

PROMISED_S = 1.0
Ask = Callable[[], httpx.Response]


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as found:
        yield found


def ways_in(client: httpx.Client, bases: list[str], house: SampleHouse, headers: dict[str, str]) -> list[Ask]:
    """Into each process by Django, and on the event loop."""
    stay = {"check_in": house.day(5), "check_out": house.day(7)}
    client.headers.update(headers)
    found: list[Ask] = []
    for base in bases:
        hotel = partial(client.get, f"{base}/api/booking-engine/hotels/{house.property.code}")
        search = partial(client.get, f"{base}/api/booking-engine/availability/{house.property.code}", params=stay)
        found += [hotel, search]
    return found


def bearer(base: str, house: SampleHouse) -> dict[str, str]:
    got = httpx.post(f"{base}/api/booking-engine/auth/token", headers={"X-API-Key": house.secret}).json()
    return {"Authorization": f"Bearer {got['access_token']}"}


def last_good_after(asks: list[Ask], end: Callable[[], object]) -> float:
    """Seconds after the end at which somebody was still let in, while all ask without pause."""
    for _ in range(20):
        assert {ask().status_code for ask in asks} == {200}
    end()
    ended, last = time.monotonic(), 0.0
    while time.monotonic() - ended < 2 * PROMISED_S:
        for ask in asks:
            asked = time.monotonic() - ended
            status = ask().status_code
            assert status in (200, 401, 429)
            if status == 200:
                last = asked
    return last


def test_a_withdrawn_key_is_refused_by_two_processes_within_a_second(start: Start, client: httpx.Client):
    house = sample_house()
    asks = ways_in(client, [start(), start()], house, {"X-API-Key": house.secret})
    assert last_good_after(asks, lambda: revoke_api_key(key_id=house.key.id)) <= PROMISED_S


def test_tokens_of_a_withdrawn_key_are_refused_by_two_processes_within_a_second(start: Start, client: httpx.Client):
    house, bases = sample_house(), [start(), start()]
    asks = ways_in(client, bases, house, bearer(bases[0], house))
    assert last_good_after(asks, lambda: revoke_api_key(key_id=house.key.id)) <= PROMISED_S


def test_all_tokens_are_refused_within_a_second_of_a_signing_key_that_became_known(start: Start, client: httpx.Client):
    house, bases = sample_house(), [start(), start()]
    asks = ways_in(client, bases, house, bearer(bases[0], house))
    assert last_good_after(asks, lambda: signing.rotate(now=datetime.now(UTC), at_once=True)) <= PROMISED_S
