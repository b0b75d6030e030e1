"""The database can't be reached: searches show what was there last, marked so; nothing is booked; all is well afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from innsync.api.tests.samples import SampleHouse
from innsync.api.tests.serving import calling
from tests.flows.cable import Cable, laid
from tests.flows.serving import Start

SOON_S = 15.0


@pytest.fixture
def cable(database: str) -> Iterator[Cable]:
    with laid(database) as found:
        yield found


@pytest.fixture
def shop(start: Start, cable: Cable, house: SampleHouse) -> Iterator[httpx.Client]:
    address = start(DATABASE_URL=cable.url, INNSYNC_WEB_PROCESSES="1")
    with calling(address, house.secret) as found:
        yield found


def search(
    shop: httpx.Client, house: SampleHouse, *, headers: dict[str, str] | None = None, **more: object
) -> httpx.Response:
    asked = {"check_in": house.day(10), "check_out": house.day(12), "adults": 2} | more
    return shop.get(f"/availability/{house.property.code}", params=asked, headers=headers)


def calendar(shop: httpx.Client, house: SampleHouse) -> dict[str, Any]:
    span = {"from": house.day(0), "to": house.day(60)}
    answer = shop.get(f"/availability/{house.property.code}/calendar", params=span)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def book(shop: httpx.Client, house: SampleHouse, key: str, first: int = 10) -> httpx.Response:
    body = house.booking(arrive=first)
    return shop.post("/bookings", json=body, headers={"Idempotency-Key": key})


def wait_for_pictures(shop: httpx.Client, house: SampleHouse) -> None:
    """They are taken every five seconds. Whoever goes on asking stays with one of the server's processes."""
    for _ in range(7):
        assert search(shop, house).status_code == 200
        time.sleep(1)


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON_S
    while not what():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.1)


def stale(shop: httpx.Client, house: SampleHouse, **more: object) -> bool:
    answer = search(shop, house, **more)
    return answer.status_code == 200 and answer.json().get("stale") is True


def test_searches_show_what_was_there_last_and_nothing_is_booked_until_the_database_is_back(
    shop: httpx.Client, cable: Cable, house: SampleHouse
) -> None:
    before = search(shop, house).json()
    assert "stale" not in before
    wait_for_pictures(shop, house)
    days = calendar(shop, house)
    other = search(shop, house, check_in=house.day(20), check_out=house.day(23), adults=1).json()

    cable.cut()
    until(lambda: stale(shop, house))
    during = search(shop, house).json()
    assert during["offers"] == before["offers"]
    assert datetime.fromisoformat(during["as_of"]) <= datetime.now().astimezone()
    # What nobody had searched there before can be told as well.
    assert (
        search(shop, house, check_in=house.day(20), check_out=house.day(23), adults=1).json()["offers"]
        == other["offers"]
    )
    shown = calendar(shop, house)
    assert shown.pop("stale") is True
    assert {**shown, "as_of": ""} == {**days, "as_of": ""}
    unseen = search(shop, house, check_in=house.day(40), check_out=house.day(44), adults=1)
    assert unseen.status_code == 200
    assert unseen.json()["stale"] is True

    until(lambda: book(shop, house, "while-away").elapsed.total_seconds() < 1)
    refused = book(shop, house, "while-away")
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert search(shop, house, fresh="1").status_code == 503
    with httpx.Client(base_url=shop.base_url.copy_with(path="/"), timeout=30) as anybody:
        assert anybody.get("/healthz").status_code == 200
        assert anybody.get("/widget/v1.js").status_code == 200
        assert anybody.get("/readyz").status_code == 503
    assert search(shop, house, headers={"X-API-Key": "isk_unknown"}).status_code == 503

    cable.mend()
    until(lambda: not stale(shop, house))
    until(lambda: search(shop, house).status_code == 200)
    booked = book(shop, house, "while-away")
    assert booked.status_code == 201
    assert "Idempotent-Replayed" not in booked.headers
