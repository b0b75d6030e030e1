from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import psycopg
import pytest

from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.rates.models import Product
from innsync.domain.pricing import OccupancyPricing


def search(client: httpx.Client, house: SampleHouse, **more: object) -> httpx.Response:
    asked = {"check_in": house.day(10), "check_out": house.day(12), "adults": 2} | more
    return client.get(f"/availability/{house.property.code}", params=asked)


def test_offers_come_cheapest_first_with_every_charge(client: httpx.Client, house: SampleHouse):
    body = search(client, house).json()
    assert body["hotel_id"] == str(house.property.id)
    assert body["nights"] == 2
    assert body["currency"] == "EUR"
    products = [(one["room_type_code"], one["rate_plan_code"], one["total"]["amount"]) for one in body["offers"]]
    assert products == [
        ("double", "nonref", "218.00"),
        ("double", "bar", "238.00"),
        ("family", "nonref", "362.00"),
        ("family", "bar", "398.00"),
    ]
    double = body["offers"][1]
    assert double["available"] == 3
    assert double["nightly"] == [
        {"date": house.day(10), "amount": "100.00"},
        {"date": house.day(11), "amount": "100.00"},
    ]
    charges = {one["code"]: (one["amount"], one["included"]) for one in double["taxes"] + double["fees"]}
    assert charges == {"city": ("8.00", False), "vat": ("11.32", True), "clean": ("30.00", False)}
    assert double["cancellation_policy"]["free_until"] == f"{house.day(8)}T15:00:00Z"
    assert "unavailable" not in body
    assert datetime.fromisoformat(body["as_of"]) <= datetime.now(UTC)


def test_sold_out_is_an_empty_list_and_explained_on_demand(client: httpx.Client, house: SampleHouse):
    for room, count in (("double", 3), ("family", 2)):
        for _ in range(count):
            assert client.post("/bookings", json=house.booking(room=room)).status_code == 201
    assert search(client, house).json()["offers"] == []
    why = search(client, house, explain="true").json()["unavailable"]
    assert len(why) == 4
    assert why[0]["reasons"] == [f"sold_out:{house.day(10)}", f"sold_out:{house.day(11)}"]


def test_several_rooms_share_the_guests_evenly(client: httpx.Client, house: SampleHouse):
    offers = search(client, house, rooms=2, adults=3, child_ages="4").json()["offers"]
    by_code = {(one["room_type_code"], one["rate_plan_code"]): one for one in offers}
    # two adults and a child in the first room, one adult in the second
    assert by_code["double", "bar"]["nightly"][0]["amount"] == "200.00"
    city = next(one for one in by_code["double", "bar"]["taxes"] if one["code"] == "city")
    assert city["amount"] == "16.00"
    assert ("family", "bar") in by_code
    assert search(client, house, rooms=4, adults=4).json()["offers"] == []


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"check_in": "2026-13-01"}, "/check_in"),
        ({"check_in": ""}, "/check_in"),
        ({"check_in": "2020-01-01"}, "/check_in"),
        ({"check_out": "2020-01-01"}, "/check_out"),
        ({"check_out": "2099-01-01"}, "/check_out"),
        ({"adults": 5}, "/adults"),
        ({"adults": 0}, "/adults"),
        ({"adults": 31}, "/adults"),
        ({"adults": "two"}, "/adults"),
        ({"adults": "1_0"}, "/adults"),
        ({"children": 3}, "/children"),
        ({"children": 2, "child_ages": "4"}, "/child_ages"),
        ({"child_ages": "18"}, "/child_ages"),
        ({"child_ages": "4;5"}, "/child_ages"),
        ({"rooms": 3}, "/adults"),
        ({"rooms": 0}, "/rooms"),
        ({"explain": "perhaps"}, "/explain"),
        ({"promo": "a\x00b"}, "/promo"),
        ({"promo": "SUMMER"}, "/promo"),
    ],
)
def test_a_question_that_makes_no_sense_names_its_field(
    client: httpx.Client, house: SampleHouse, asked: dict[str, object], pointer: str
):
    answer = search(client, house, **asked)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


def test_a_hotel_is_found_by_id_and_by_code_and_by_nothing_else(client: httpx.Client, house: SampleHouse):
    for key, status in ((house.property.id, 200), (house.property.code, 200), (uuid4(), 404), ("other", 404)):
        assert client.get(f"/hotels/{key}").status_code == status


def test_a_search_takes_three_statements_beside_the_opening(
    client: httpx.Client, house: SampleHouse, monkeypatch: pytest.MonkeyPatch, unrecorded: None
):
    search(client, house)  # the key is known from here on
    seen: list[str] = []
    execute = psycopg.Cursor.execute

    def counted(self, query, *args, **options):
        seen.append(str(query))
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    assert search(client, house, explain="true").status_code == 200
    told = [query for query in seen if "set_config" not in query]
    assert len(told) <= 3, told


def test_the_calendar_tells_rooms_left_and_the_lowest_price(client: httpx.Client, house: SampleHouse):
    client.post("/bookings", json=house.booking(arrive=11, nights=1))
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute(
            "UPDATE inventory_stockday SET out_of_order = 2 WHERE property_id = %s AND room_type_id = %s AND day = %s",
            (house.property.id, house.room_types["family"].id, house.today + timedelta(days=12)),
        )
    asked = {"from": house.day(10), "to": house.day(12)}
    body = client.get(f"/availability/{house.property.code}/calendar", params=asked).json()
    left = {one["room_type_code"]: [day["available"] for day in one["days"]] for one in body["room_types"]}
    assert left == {"double": [3, 2, 3], "family": [2, 2, 0]}
    first = body["room_types"][0]["days"][0]
    assert first["date"] == house.day(10)
    assert first["lowest_price"] == {"amount": "90.00", "currency": "EUR"}


@pytest.mark.parametrize("days", [-1, 366])
def test_a_calendar_has_a_sensible_length(client: httpx.Client, house: SampleHouse, days: int):
    asked = {"from": house.day(0), "to": house.day(days)}
    for path in (f"/availability/{house.property.id}/calendar", f"/hotels/{house.property.id}/pricing"):
        answer = client.get(path, params=asked)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/to"


def test_pricing_tells_every_product_by_occupancy(client: httpx.Client, house: SampleHouse):
    asked = {"from": house.day(10), "to": house.day(11)}
    products = client.get(f"/hotels/{house.property.id}/pricing", params=asked).json()["products"]
    derived = next(one for one in products if (one["room_type_code"], one["rate_plan_code"]) == ("double", "nonref"))
    assert [day["date"] for day in derived["days"]] == [house.day(10), house.day(11)]
    assert {"adults": 2, "amount": "90.00"} in derived["days"][0]["prices"]


def test_the_hotel_is_not_sent_again_to_who_has_it(client: httpx.Client, house: SampleHouse):
    first = client.get(f"/hotels/{house.property.id}")
    assert first.json()["check_in_time"] == "15:00"
    assert first.headers["Cache-Control"] == "private, max-age=300"
    again = client.get(f"/hotels/{house.property.id}", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert client.get(f"/hotels/{house.property.id}", headers={"If-None-Match": '"old"'}).status_code == 200


def test_room_types_come_in_pages(client: httpx.Client, house: SampleHouse):
    path = f"/room-types/{house.property.id}"
    whole = client.get(path).json()
    assert [one["room_type_code"] for one in whole["items"]] == ["double", "family"]
    assert whole["next_cursor"] is None
    assert [plan["rate_plan_code"] for plan in whole["items"][0]["rate_plans"]] == ["bar", "nonref"]
    first = client.get(path, params={"limit": 1}).json()
    rest = client.get(path, params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert first["items"] + rest["items"] == whole["items"]
    assert rest["next_cursor"] is None
    for wrong in ({"limit": 0}, {"limit": 201}, {"cursor": "nonsense"}):
        assert client.get(path, params=wrong).status_code == 422


def test_a_party_that_would_pay_nothing_has_no_price_as_it_has_no_offer(client: httpx.Client, house: SampleHouse):
    with tenant(house.organization_id):
        # 100.00 for two; one person less takes off all of it in one plan and nearly all of it in the other
        for plan, less in (("bar", 10_000), ("nonref", 8_999)):
            pricing = OccupancyPricing(fewer_adults_minor=less, max_adults=2, max_children=1, max_occupancy=3)
            Product.objects.filter(id=house.products["double", plan].id).update(occupancy_pricing=pricing.to_json())
    days = {"from": house.day(10), "to": house.day(10)}
    products = client.get(f"/hotels/{house.property.id}/pricing", params=days).json()["products"]
    prices = {(one["room_type_code"], one["rate_plan_code"]): one["days"][0]["prices"] for one in products}
    assert prices["double", "bar"] == [{"adults": 2, "amount": "100.00"}]
    assert prices["double", "nonref"] == [{"adults": 1, "amount": "0.01"}, {"adults": 2, "amount": "90.00"}]
    alone = search(client, house, adults=1, explain="true").json()
    offered = {(one["room_type_code"], one["rate_plan_code"]) for one in alone["offers"]}
    assert ("double", "nonref") in offered
    assert ("double", "bar") not in offered
