"""A search at several hotels: what each answers by itself, and that none of them spoils the others."""

from __future__ import annotations

from uuid import uuid4

import httpx
import psycopg
import pytest

from innsync.api.several import MOST_HOTELS
from innsync.api.tests.asking import pointers, problem
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.services import create_api_key
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Property


@pytest.fixture
def group(house: SampleHouse) -> list[SampleHouse]:
    """Three hotels of one organization, the first with fewer rooms left."""
    return [house, *(sample_house(rooms=7 + more, organization=house.organization) for more in range(2))]


def ask(client: httpx.Client, keys: list[object], house: SampleHouse, **more: object) -> httpx.Response:
    asked = {"check_in": house.day(10), "check_out": house.day(13), "adults": 2} | more
    return client.get("/availability", params={"hotel_ids": ",".join(map(str, keys)), **asked})


@pytest.mark.parametrize("explain", ["false", "true"])
def test_each_hotel_answers_to_the_byte_what_it_answers_alone(
    client: httpx.Client, group: list[SampleHouse], explain: str
):
    client.post("/bookings", json=group[0].booking(room="family", nights=3)).raise_for_status()
    client.post("/bookings", json=group[0].booking(room="family", nights=3)).raise_for_status()
    stay = {"check_in": group[0].day(10), "check_out": group[0].day(13), "adults": 3, "child_ages": "4", "rooms": 2}
    stay["explain"] = explain
    together = ask(client, [one.property.code for one in group], group[0], **stay)
    for one, item in zip(group, together.json()["items"], strict=True):
        assert item["asked"] == one.property.code
        assert item["problem"] is None
        alone = client.get(f"/availability/{one.property.code}", params=stay).content
        before, _, after = alone.partition(b'"as_of":"')
        rest = after.partition(b'"')[2]
        assert before in together.content
        assert rest[:-1] in together.content
        assert b'"offers":' in rest


def test_what_one_hotel_refuses_is_told_in_its_place_and_the_others_answer(
    client: httpx.Client, group: list[SampleHouse]
):
    first, second, third = group
    strange = sample_house()
    with tenant(first.organization_id):
        Property.objects.filter(id=third.property.id).update(sellable_days=5)
    keys = [second.property.id, "no-such-hotel", strange.property.id, third.property.code, first.property.code]
    answer = ask(client, keys, first)
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [one["asked"] for one in items] == [str(one) for one in keys]
    assert [one["problem"] and one["problem"]["type"] for one in items] == [
        None,
        "/problems/not-found",
        "/problems/not-found",
        "/problems/invalid",
        None,
    ]
    assert items[0]["availability"]["hotel_id"] == str(second.property.id)
    assert len(items[4]["availability"]["offers"]) == 4
    assert items[3]["availability"] is None
    assert items[3]["problem"]["errors"][0]["pointer"] == "/check_out"
    assert items[1]["problem"]["instance"] == answer.headers["X-Request-Id"]


def test_a_key_for_one_hotel_gets_no_word_of_the_others(address: str, group: list[SampleHouse]):
    _, secret = create_api_key(
        organization_id=group[0].organization_id,
        name="One of them",
        scopes=["availability:read"],
        property_ids=[group[1].property.id],
    )
    with calling(address, secret) as client:
        items = ask(client, [one.property.code for one in group] + ["no-such-hotel"], group[0]).json()["items"]
    assert [one["availability"] is not None for one in items] == [False, True, False, False]
    hidden, unknown = items[0]["problem"], items[3]["problem"]
    assert hidden == unknown


def test_a_question_that_makes_no_sense_is_refused_whole(client: httpx.Client, house: SampleHouse):
    assert pointers(ask(client, [], house)) == ["/hotel_ids"]
    assert pointers(ask(client, ["a b"], house)) == ["/hotel_ids"]
    assert pointers(ask(client, ["a", "", "b"], house)) == ["/hotel_ids"]
    assert pointers(ask(client, ["a"] * 2 + [f"h{one}" for one in range(MOST_HOTELS)], house)) == ["/hotel_ids"]
    assert pointers(ask(client, [house.property.code], house, check_out=house.day(10))) == ["/check_out"]
    assert pointers(ask(client, [house.property.code], house, adults=0)) == ["/adults"]
    with httpx.Client(base_url=client.base_url) as stranger:
        refused = ask(stranger, [house.property.code], house)
    assert (refused.status_code, problem(refused)["type"]) == (401, "/problems/unauthorised")


def test_a_hotel_named_twice_answers_once(client: httpx.Client, house: SampleHouse):
    keys = [house.property.code, house.property.id, house.property.code]
    assert [one["asked"] for one in ask(client, keys, house).json()["items"]] == [str(one) for one in keys[:2]]


def test_fifty_hotels_take_as_many_statements_as_one(
    client: httpx.Client, group: list[SampleHouse], monkeypatch: pytest.MonkeyPatch
):
    ask(client, ["x"], group[0])  # the key is known from here on
    seen: list[str] = []
    execute = psycopg.Cursor.execute

    def counted(self, query, *args, **options):
        if any(table in str(query) for table in ("properties_", "rates_", "inventory_")):  # records keep their own time
            seen.append(str(query))
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    many = [one.property.code for one in group] + [uuid4() for _ in range(MOST_HOTELS - len(group))]
    assert sum(one["availability"] is not None for one in ask(client, many, group[0]).json()["items"]) == len(group)
    assert len(seen) == 3, seen
