"""Promotions in the search on the event loop: what Django says, and never one that is not given any more."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from innsync.api.tests.samples import SampleHouse
from innsync.api.tests.test_promotions import end, promote
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.rates import promotions as services
from innsync.config.tests.test_quick import PATIENCE_S, said, search
from innsync.domain.promotions import CutKind


def reduced(answer: httpx.Response) -> list[Any]:
    return [one["promotion"] and one["promotion"]["code"] for one in answer.json()["offers"]]


def test_it_says_to_the_byte_what_django_says_without_asking_it(
    shop: httpx.Client, client: httpx.Client, house: SampleHouse, django_asked: list[str]
):
    promote(house, value=5)
    promote(house, CutKind.PER_STAY, 4_999, code="SUMMER", min_nights=2)
    time.sleep(PATIENCE_S)
    for more in (
        {},
        {"promo": "summer"},
        {"promo": "SUMMER", "rooms": 2, "adults": 3},
        {"fresh": 1, "promo": "Summer"},
    ):
        for _ in range(2):  # the second time from what is kept
            assert said(search(shop, house, **more)) == said(search(client, house, **more))
    assert django_asked == []
    assert reduced(search(shop, house, promo="summer")) == ["SUMMER"] * 4


@pytest.mark.parametrize("code", ["WINTER", "LONG"])
def test_a_code_that_is_not_for_the_stay_is_refused_as_django_does(
    shop: httpx.Client, client: httpx.Client, house: SampleHouse, django_asked: list[str], code: str
):
    promote(house, code="LONG", min_nights=9)
    time.sleep(PATIENCE_S)
    answer = search(shop, house, promo=code)
    assert answer.status_code == 422
    assert said(answer) == said(search(client, house, promo=code))
    assert len(django_asked) == 1


def test_a_promotion_that_is_made_ended_and_taken_up_again_is_seen_at_once(shop: httpx.Client, house: SampleHouse):
    assert reduced(search(shop, house)) == [None] * 4
    made = promote(house, code="ONCE")
    time.sleep(PATIENCE_S)
    assert reduced(search(shop, house, promo="ONCE")) == ["ONCE"] * 4
    end(house, made)
    time.sleep(PATIENCE_S)
    assert search(shop, house, promo="ONCE").json()["errors"] == [{"pointer": "/promo", "detail": "has ended"}]
    with tenant(house.organization_id):
        services.resume_promotion(promotion=made, now=datetime.now(UTC), actor="test")
    time.sleep(PATIENCE_S)
    assert reduced(search(shop, house, promo="ONCE")) == ["ONCE"] * 4


def test_the_last_use_is_seen_and_so_is_one_that_was_given_back(
    shop: httpx.Client, house: SampleHouse, django_asked: list[str]
):
    promote(house, code="TWO", most_uses=2)
    time.sleep(PATIENCE_S)
    first, second = (shop.post("/bookings", json=house.booking(promo="TWO")).json() for _ in range(2))
    assert first["rooms"][0]["promotion"]["code"] == second["rooms"][0]["promotion"]["code"] == "TWO"
    time.sleep(PATIENCE_S)
    assert search(shop, house, promo="TWO").status_code == 422
    assert shop.delete(f"/bookings/{first['booking_id']}").status_code == 200
    time.sleep(PATIENCE_S)
    django_asked.clear()
    assert reduced(search(shop, house, promo="TWO")) == ["TWO"] * 4
    assert django_asked == []
