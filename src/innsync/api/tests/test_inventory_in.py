"""A batch of availability: one change or none, each bad field named, never more than there is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory.services import StockChange, record_stock
from innsync.domain.stay import StayDates


def put(client: httpx.Client, house: SampleHouse, *updates: dict[str, Any], **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put(f"/hotels/{house.property.code}/inventory", json={"updates": list(updates)}, headers=named)


def update(house: SampleHouse, available: int | None, first: int = 10, last: int = 12, **more: Any) -> dict[str, Any]:
    """Of the three double rooms."""
    return {
        "room_type_code": "double",
        "from": house.day(first),
        "to": house.day(last),
        "available": available,
        **more,
    }


def left(client: httpx.Client, house: SampleHouse, first: int, last: int | None = None) -> list[int]:
    """How many double rooms the calendar shows for sale."""
    asked = {"from": house.day(first), "to": house.day(last or first)}
    types = client.get(f"/availability/{house.property.code}/calendar", params=asked).json()["room_types"]
    return [day["available"] for one in types if one["room_type_code"] == "double" for day in one["days"]]


def offered(client: httpx.Client, house: SampleHouse, arrive: int, nights: int = 2) -> int:
    """The same by searching a stay."""
    asked = {"check_in": house.day(arrive), "check_out": house.day(arrive + nights), "adults": 2, "fresh": 1}
    offers = client.get(f"/availability/{house.property.code}", params=asked).json()["offers"]
    return max((one["available"] for one in offers if one["room_type_code"] == "double"), default=0)


def history(house: SampleHouse) -> list[tuple[str, int]]:
    with tenant(house.organization_id), sql() as cursor:
        return cursor.execute("SELECT actor, nights FROM inventory_withholding ORDER BY id").fetchall()


def sold_by_a_channel(house: SampleHouse, offset: int, rooms: int) -> None:
    change, night = StockChange(), house.today + timedelta(days=offset)
    change.sell(house.room_types["double"].id, StayDates(night, night + timedelta(days=1)), rooms)
    with tenant(house.organization_id):
        record_stock(property_id=house.property.id, change=change)


def oversold(house: SampleHouse, offset: int) -> int:
    with tenant(house.organization_id), sql() as cursor:
        (found,) = cursor.execute(
            "SELECT oversold FROM inventory_stockday WHERE room_type_id = %s AND day = %s",
            (house.room_types["double"].id, house.today + timedelta(days=offset)),
        ).fetchone()
    return int(found)


def test_no_more_is_sold_than_the_system_says(client: httpx.Client, house: SampleHouse):
    answer = put(client, house, update(house, 1))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["changed"], said["unchanged"], said["short"]) == (3, 0, [])
    (line,) = said["room_types"]
    assert (line["room_type_code"], line["first"], line["last"]) == ("double", house.day(10), house.day(12))
    assert line["nights"] == 3
    assert left(client, house, 9, 13) == [3, 1, 1, 1, 3]
    assert (offered(client, house, 10), offered(client, house, 7)) == (1, 3)
    assert history(house) == [(f"api:{house.key.name}", 3)], "one line, by the key that made it"


def test_a_direct_sale_finds_withheld_nights_sold_out(client: httpx.Client, house: SampleHouse):
    put(client, house, update(house, 1))
    assert client.post("/bookings", json=house.booking()).status_code == 201
    refused = client.post("/bookings", json=house.booking())
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/sold-out")
    assert client.post("/bookings", json=house.booking(arrive=13)).status_code == 201
    assert left(client, house, 10, 12) == [0, 0, 1]


def test_what_is_said_counts_from_that_moment_on(client: httpx.Client, house: SampleHouse):
    """The system saw that sale when it says another number; what is cancelled later is for sale again."""
    made = client.post("/bookings", json=house.booking()).json()
    put(client, house, update(house, 1))
    assert left(client, house, 10) == [1]
    assert client.delete(f"/bookings/{made['booking_id']}").status_code == 200
    assert left(client, house, 10) == [2]


def test_null_withholds_nothing_any_more(client: httpx.Client, house: SampleHouse):
    put(client, house, update(house, 0))
    assert (left(client, house, 10), offered(client, house, 10)) == ([0], 0)
    said = put(client, house, update(house, None, 11, 14)).json()
    assert (said["changed"], said["unchanged"]) == (2, 2)
    assert left(client, house, 10, 13) == [0, 3, 3, 3]


def test_more_than_there_is_is_told_and_not_sold(client: httpx.Client, house: SampleHouse):
    sold_by_a_channel(house, 11, 2)
    said = put(client, house, update(house, 3, 10, 11), update(house, 9, 12, 12)).json()
    assert (said["changed"], said["unchanged"]) == (0, 3)
    named = [
        (one["room_type_code"], one["first"], one["last"], one["asked"], one["available"]) for one in said["short"]
    ]
    assert named == [
        ("double", house.day(11), house.day(11), 3, 1),
        ("double", house.day(12), house.day(12), 9, 3),
    ]
    assert left(client, house, 10, 12) == [3, 1, 3]


def test_a_channel_that_sells_a_withheld_room_oversells_nothing(client: httpx.Client, house: SampleHouse):
    """The room is there. Only one more than there are is an oversale."""
    put(client, house, update(house, 0))
    for sold, over in ((1, 0), (2, 0), (1, 1)):
        sold_by_a_channel(house, 10, sold)
        assert (left(client, house, 10), oversold(house, 10)) == ([0], over)


def test_the_same_again_changes_nothing(client: httpx.Client, house: SampleHouse):
    for changed in (3, 0):
        said = put(client, house, update(house, 2)).json()
        assert (said["changed"], said["changed"] + said["unchanged"]) == (changed, 3)
    assert len(history(house)) == 1


def test_weekdays_narrow_a_span_and_a_later_update_counts(client: httpx.Client, house: SampleHouse):
    answer = put(client, house, update(house, 1, 7, 20), update(house, 0, 7, 20, weekdays=["fri", "sat"]))
    assert answer.status_code == 200, answer.text
    weekend = [(house.today + timedelta(days=offset)).weekday() in (4, 5) for offset in range(7, 21)]
    assert left(client, house, 7, 20) == [0 if one else 1 for one in weekend]


BAD = [
    ({"available": -1}, "available"),
    ({"available": 1.0}, "available"),
    ({"available": True}, "available"),
    ({"available": "1"}, "available"),
    ({"available": 10_000}, "available"),
    ({"weekdays": []}, "weekdays"),
    ({"weekdays": ["monday"]}, "weekdays"),
    ({"from": "2020-01-01"}, "from"),
    ({"to": "2020-01-01"}, "to"),
    ({"to": "2099-01-01"}, "to"),
    ({"room_type_code": "attic"}, "room_type_code"),
    ({"surprise": 1}, "surprise"),
]


@pytest.mark.parametrize(("told", "field"), BAD, ids=[f"{name}-{told}" for told, name in BAD])
def test_one_bad_update_refuses_the_whole_batch_by_name(
    client: httpx.Client, house: SampleHouse, told: dict[str, Any], field: str
):
    answer = put(client, house, update(house, 1), {**update(house, 2), **told})
    assert answer.status_code == 422, answer.text
    assert any(one["pointer"].startswith(f"/updates/1/{field}") for one in answer.json()["errors"]), answer.text
    assert left(client, house, 10) == [3]
    assert history(house) == []


def test_every_bad_update_is_named_at_once(client: httpx.Client, house: SampleHouse):
    unsaid = update(house, 1)
    del unsaid["available"]
    assert [one["pointer"] for one in put(client, house, unsaid).json()["errors"]] == ["/updates/0/available"]
    answer = put(client, house, update(house, 1, 12, 10), update(house, 1, -2, 10, room_type_code="attic"))
    named = {one["pointer"] for one in answer.json()["errors"]}
    assert named == {"/updates/0/to", "/updates/1/from", "/updates/1/room_type_code"}


def test_too_much_is_refused(client: httpx.Client, house: SampleHouse):
    assert put(client, house, *[update(house, 1)] * 501).status_code == 422
    assert put(client, house, *[update(house, 1, 0, 399)] * 500).status_code == 200
    answer = put(client, house, *[update(house, 2, 0, 499)] * 401)
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/updates"]


def test_nights_that_nobody_opened_yet_become_known(client: httpx.Client, house: SampleHouse):
    """Also those beyond what the hotel sells, which is 400 nights, of which 90 were opened."""
    said = put(client, house, update(house, 1, 120, 120), update(house, 1, 500, 500)).json()
    assert (said["changed"], said["short"]) == (2, [])
    with tenant(house.organization_id), sql() as cursor:
        known = cursor.execute(
            "SELECT rooms, withheld FROM inventory_stockday WHERE room_type_id = %s AND day > %s ORDER BY day",
            (house.room_types["double"].id, house.day(100)),
        ).fetchall()
    assert known == [(3, 2), (3, 2)]
    assert put(client, house, update(house, 1, 1100, 1100)).status_code == 422


def test_only_a_key_that_may_and_only_its_own_hotel(address: str, house: SampleHouse):
    narrow = sample_house(organization=house.organization, scopes=["rates:write", "availability:read"])
    with calling(address, narrow.secret) as client:
        assert put(client, narrow, update(narrow, 1)).status_code == 403
    with calling(address, house.secret) as client:
        assert put(client, sample_house(), update(house, 1)).status_code == 404


def test_an_idempotency_key_answers_the_first_answer_again(client: httpx.Client, house: SampleHouse):
    first = put(client, house, update(house, 1), Idempotency_Key="batch-1")
    put(client, house, update(house, 2))
    again = put(client, house, update(house, 1), Idempotency_Key="batch-1")
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert left(client, house, 10) == [2], "it was not done again"
    assert put(client, house, update(house, 0), Idempotency_Key="batch-1").status_code == 422


def test_every_connection_is_told_that_it_may_differ(client: httpx.Client, house: SampleHouse):
    put(client, house, update(house, 1))
    with tenant(house.organization_id), sql() as cursor:
        told = cursor.execute(
            "SELECT payload -> 'what', payload -> 'spans' FROM events_outbox WHERE property_id = %s"
            " AND topic = 'ari_changed' ORDER BY id DESC LIMIT 1",
            (house.property.id,),
        ).fetchone()
    assert told is not None
    assert told[0] == "stock"
    assert told[1] == [[str(house.room_types["double"].id), house.day(10), house.day(12)]]
