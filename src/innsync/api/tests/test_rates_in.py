"""A batch of prices and rules: one change or none, each bad field named, and what is derived follows."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.tenancy import sql, tenant


def put(client: httpx.Client, house: SampleHouse, *updates: dict[str, Any], **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put(f"/hotels/{house.property.code}/rates", json={"updates": list(updates)}, headers=named)


def update(house: SampleHouse, first: int = 10, last: int = 12, **more: Any) -> dict[str, Any]:
    return {
        "room_type_code": "double",
        "rate_plan_code": "bar",
        "from": house.day(first),
        "to": house.day(last),
        **more,
    }


def priced(client: httpx.Client, house: SampleHouse, day: int, plan: str = "bar") -> dict[str, Any]:
    """What the hotel says of the double room on a day."""
    asked = {"from": house.day(day), "to": house.day(day)}
    products = client.get(f"/hotels/{house.property.code}/pricing", params=asked).json()["products"]
    found = next(one for one in products if (one["room_type_code"], one["rate_plan_code"]) == ("double", plan))
    (line,) = found["days"]
    return dict(line)


def amount(line: dict[str, Any]) -> str:
    return str(line["prices"][-1]["amount"])


def history(house: SampleHouse) -> list[tuple[str, int]]:
    with tenant(house.organization_id), sql() as cursor:
        return cursor.execute("SELECT actor, cells FROM rates_ratechange ORDER BY at OFFSET 1").fetchall()


def test_prices_and_rules_of_a_span_are_set_and_derived_plans_follow(client: httpx.Client, house: SampleHouse):
    answer = put(client, house, update(house, price="120.00", min_stay_arrival=2, closed_to_departure=True))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["changed"], said["unchanged"]) == (9, 0)
    (line,) = said["products"]
    assert (line["room_type_code"], line["rate_plan_code"], line["nights"]) == ("double", "bar", 3)
    assert (line["first"], line["last"]) == (house.day(10), house.day(12))
    assert line["fields"] == ["price", "min_stay_arrival", "closed_to_departure"]
    night = priced(client, house, 11)
    assert (amount(night), night["min_stay_arrival"], night["closed_to_departure"]) == ("120.00", 2, True)
    assert amount(priced(client, house, 11, "nonref")) == "108.00"
    assert amount(priced(client, house, 13)) == "100.00"
    assert history(house) == [(f"api:{house.key.name}", 9)], "one line, by the key that made it"


def test_the_same_again_changes_nothing(client: httpx.Client, house: SampleHouse):
    for changed in (3, 0):
        said = put(client, house, update(house, price="120.00")).json()
        assert (said["changed"], said["changed"] + said["unchanged"]) == (changed, 3)
    assert len(history(house)) == 1


def test_weekdays_narrow_a_span_and_a_later_update_counts(client: httpx.Client, house: SampleHouse):
    answer = put(
        client,
        house,
        update(house, 7, 20, price="90.00"),
        update(house, 7, 20, price="150.00", weekdays=["fri", "sat"]),
    )
    assert answer.status_code == 200, answer.text
    for offset in range(7, 21):
        weekend = (house.today.toordinal() + offset + 6) % 7 in (4, 5)
        assert amount(priced(client, house, offset)) == ("150.00" if weekend else "90.00")


def test_null_takes_a_value_away(client: httpx.Client, house: SampleHouse):
    put(client, house, update(house, stop_sell=True) | {"rate_plan_code": "nonref", "price": "50.00"})
    assert amount(priced(client, house, 10, "nonref")) == "50.00"
    put(client, house, update(house, stop_sell=None) | {"rate_plan_code": "nonref", "price": None})
    night = priced(client, house, 10, "nonref")
    assert (amount(night), night["stop_sell"]) == ("90.00", False)


BAD = [
    ({"price": "0.00"}, "price"),
    ({"price": "1.005"}, "price"),
    ({"price": "99999999999"}, "price"),
    ({"price": 120}, "price"),
    ({"min_stay_arrival": 0}, "min_stay_arrival"),
    ({"min_stay_arrival": True}, "min_stay_arrival"),
    ({"max_stay": 1000}, "max_stay"),
    ({"stop_sell": 1}, "stop_sell"),
    ({"weekdays": []}, "weekdays"),
    ({"weekdays": ["monday"]}, "weekdays"),
    ({"from": "2020-01-01"}, "from"),
    ({"to": "2020-01-01"}, "to"),
    ({"to": "2099-01-01"}, "to"),
    ({"room_type_code": "attic"}, "room_type_code"),
    ({"rate_plan_code": "gold"}, "rate_plan_code"),
    ({"surprise": 1}, "surprise"),
]


@pytest.mark.parametrize(("told", "field"), BAD, ids=[f"{name}-{told}" for told, name in BAD])
def test_one_bad_update_refuses_the_whole_batch_by_name(
    client: httpx.Client, house: SampleHouse, told: dict[str, Any], field: str
):
    answer = put(client, house, update(house, price="200.00"), {**update(house, price="120.00"), **told})
    assert answer.status_code == 422, answer.text
    assert any(one["pointer"].startswith(f"/updates/1/{field}") for one in answer.json()["errors"]), answer.text
    assert amount(priced(client, house, 10)) == "100.00"
    assert history(house) == []


def test_every_bad_update_is_named_at_once(client: httpx.Client, house: SampleHouse):
    answer = put(client, house, update(house), update(house, price="0"), update(house, 12, 10, price="1.00"))
    assert {one["pointer"] for one in answer.json()["errors"]} == {"/updates/0", "/updates/1/price", "/updates/2/to"}


def test_too_much_is_refused(client: httpx.Client, house: SampleHouse):
    assert put(client, house, *[update(house, price="1.00")] * 501).status_code == 422
    rules = dict.fromkeys(("min_stay_arrival", "min_stay_through", "max_stay"), 1)
    answer = put(client, house, *[update(house, 0, 700, price="1.00", stop_sell=False, **rules)] * 100)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/updates")


def test_a_key_needs_the_scope_and_the_hotel(address: str, house: SampleHouse):
    narrow = sample_house(organization=house.organization, scopes=["bookings:write", "availability:read"])
    with calling(address, narrow.secret) as client:
        assert put(client, narrow, update(narrow, price="1.00")).status_code == 403
    with calling(address, house.secret) as client:
        assert put(client, sample_house(), update(house, price="1.00")).status_code == 404


def test_an_idempotency_key_answers_the_first_answer_again(client: httpx.Client, house: SampleHouse):
    first = put(client, house, update(house, price="120.00"), Idempotency_Key="batch-1")
    put(client, house, update(house, price="130.00"))
    again = put(client, house, update(house, price="120.00"), Idempotency_Key="batch-1")
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert amount(priced(client, house, 10)) == "130.00", "it was not done again"
    assert put(client, house, update(house, price="1.00"), Idempotency_Key="batch-1").status_code == 422


def test_every_connection_is_told_that_it_may_differ(client: httpx.Client, house: SampleHouse):
    put(client, house, update(house, price="120.00"))
    with tenant(house.organization_id), sql() as cursor:
        told = cursor.execute(
            "SELECT payload -> 'what', payload -> 'spans' FROM events_outbox WHERE property_id = %s"
            " AND topic = 'ari_changed' ORDER BY id DESC LIMIT 1",
            (house.property.id,),
        ).fetchone()
    assert told is not None
    assert told[0] == "rates"
    assert told[1][0][1:] == [house.day(10), house.day(12)]
