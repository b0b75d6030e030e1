"""The calendar promises no arrival that the search then refuses because of the moment of asking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Property
from innsync.apps.rates.models import RatePlan
from innsync.apps.rates.services import RateEdit, set_rates

FIRST, LAST = -3, 40


def sell(house: SampleHouse, *, sellable_days: int, windows: dict[str, tuple[int, int | None]]) -> None:
    with tenant(house.organization_id):
        Property.objects.filter(id=house.property.id).update(sellable_days=sellable_days)
        for code, (least, most) in windows.items():
            RatePlan.objects.filter(id=house.plans[code].id).update(min_advance_days=least, max_advance_days=most)


def ask_for_nights(house: SampleHouse, first: int, last: int, nights: int, field: str, plan: str = "bar") -> None:
    begin, end = house.today + timedelta(days=first), house.today + timedelta(days=last)
    product = house.products["double", plan]
    with tenant(house.organization_id):
        set_rates(
            organization_id=house.organization_id,
            property_id=house.property.id,
            edits=[RateEdit(product.id, begin, end, {field: nights})],
            now=datetime.now(UTC),
            actor="test",
        )


def calendar(client: httpx.Client, house: SampleHouse) -> dict[int, dict[str, Any]]:
    """What is said of the double, by days from today."""
    asked = {"from": house.day(FIRST), "to": house.day(LAST)}
    body = client.get(f"/availability/{house.property.code}/calendar", params=asked).json()
    (days,) = [one["days"] for one in body["room_types"] if one["room_type_code"] == "double"]
    return dict(zip(range(FIRST, LAST + 1), days, strict=True))


def refused(client: httpx.Client, house: SampleHouse, offset: int, nights: int) -> set[str]:
    """What the search has against that stay in a double at every plan, in codes; empty when one is offered."""
    asked = {"check_in": house.day(offset), "check_out": house.day(offset + nights), "explain": "true"}
    answer = client.get(f"/availability/{house.property.code}", params=asked)
    if answer.status_code == 422:  # before today or beyond the horizon, so at no plan
        return {answer.json()["errors"][0]["pointer"]}
    body = answer.json()
    if any(one["room_type_code"] == "double" for one in body["offers"]):
        return set()
    return {
        reason.partition(":")[0]
        for one in body["unavailable"]
        for reason in one["reasons"]
        if one["room_type_code"] == "double"
    }


@pytest.mark.parametrize(
    ("sellable_days", "windows"),
    [
        (30, {}),
        (30, {"bar": (7, None)}),
        (30, {"bar": (7, None), "nonref": (14, None)}),
        (30, {"bar": (3, 20), "nonref": (9, 25)}),
        (35, {"bar": (0, 5), "nonref": (12, None)}),
    ],
)
@pytest.mark.parametrize("field", ["min_stay_arrival", "min_stay_through"])
def test_every_day_that_is_promised_can_be_searched_for_and_no_other(
    client: httpx.Client,
    house: SampleHouse,
    sellable_days: int,
    windows: dict[str, tuple[int, int | None]],
    field: str,
) -> None:
    sell(house, sellable_days=sellable_days, windows=windows)
    ask_for_nights(house, 10, 12, 3, field)
    ask_for_nights(house, 26, 34, 4, field)
    ask_for_nights(house, 20, 34, 2, field, plan="nonref")
    days = calendar(client, house)
    promised = {offset for offset, day in days.items() if day["available"]}
    assert promised
    for offset, day in days.items():
        if offset in promised:
            assert day["lowest_price"] is not None
            assert refused(client, house, offset, day["min_stay"]) == set(), offset
        else:
            assert day["lowest_price"] is None, offset
            assert all(refused(client, house, offset, nights) for nights in (1, 2, 4)), offset


def test_days_before_today_and_beyond_the_horizon_have_no_room_and_no_price(
    client: httpx.Client, house: SampleHouse
) -> None:
    sell(house, sellable_days=30, windows={})
    days = calendar(client, house)
    assert [offset for offset, day in days.items() if day["available"]] == list(range(30))
    for offset in (-1, 30):
        assert (days[offset]["available"], days[offset]["lowest_price"]) == (0, None)


def test_the_lowest_price_is_of_a_plan_that_is_sold_for_that_arrival(client: httpx.Client, house: SampleHouse) -> None:
    sell(house, sellable_days=40, windows={"nonref": (14, None)})
    days = calendar(client, house)
    prices = {offset: days[offset]["lowest_price"]["amount"] for offset in (13, 14)}
    assert prices == {13: "100.00", 14: "90.00"}


def test_a_day_that_nobody_may_arrive_on_may_still_be_left_on(client: httpx.Client, house: SampleHouse) -> None:
    sell(house, sellable_days=30, windows={"bar": (0, 5), "nonref": (0, 5)})
    day = calendar(client, house)[6]
    assert (day["available"], day["closed_to_arrival"], day["closed_to_departure"]) == (0, True, False)
