"""The search on the event loop beside Django's: the same answers, never an old one, and every door as well kept."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.conf import settings
from django.db import connections

from innsync.api import quick
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts import selectors
from innsync.apps.accounts.lane import APPLICATION, Lane
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.services import create_api_key, revoke_api_key
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory import services as inventory
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import Product, RatePlan
from innsync.apps.rates.services import RateEdit, set_rates
from innsync.domain.stay import StayDates

NOBODYS = "0192f0a0-0000-7000-8000-000000000000"

PATIENCE_S = settings.SEARCH_BEHIND_S + 0.03
_VARIES = re.compile(rb'"(as_of|instance)":"[^"]*"')
_OWN_HEADERS = ("date", "x-request-id", "ratelimit", "server", "content-length")


def search(client: httpx.Client, house: SampleHouse, **more: object) -> httpx.Response:
    asked = {"check_in": house.day(10), "check_out": house.day(12), "adults": 2} | more
    return client.get(f"/availability/{house.property.code}", params=asked)


def said(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in _OWN_HEADERS}
    return answer.status_code, headers, _VARIES.sub(b"", answer.content)


def queries(house: SampleHouse) -> list[str]:
    """Good ones and every kind of bad one, in random mixtures."""
    chance = random.Random(7)
    other = {
        "adults": ["1", "2", "2", "4", "5", "0", "31", "two", "", "1_0", "%32"],
        "children": ["0", "1", "2", "x"],
        "child_ages": ["", "3", "4,9", "4%2C9", "18", "5,,5", "1,2,3,4,5"],
        "rooms": ["1", "2", "3", "9", "0"],
        "promo": ["", "summer"],
        "explain": ["false", "true", "1", "perhaps"],
        "fresh": ["0", "1", "true", "no"],
        "unknown": ["x", "%FF"],
        "check_in": [house.day(-1), "2026-13-01", ""],
        "check_out": [house.day(1), house.day(399), "tomorrow"],
    }
    found = ["", "check_in", "&&=&", f"check_in={house.day(3)}", "%00=1", "check_in=%00"]
    for _ in range(120):
        arrive, nights = chance.randint(0, 88), chance.choice([1, 1, 2, 3, 7, 7, 14, 400])
        pairs = [("check_in", house.day(arrive)), ("check_out", house.day(arrive + nights))]
        for name in chance.sample(sorted(other), chance.choice([0, 1, 1, 2, 3])):
            pairs.append((name, chance.choice(other[name])))
        chance.shuffle(pairs)
        found.append("&".join(f"{name}={value}" for name, value in pairs))
    return found


def test_it_says_to_the_byte_what_django_says(
    shop: httpx.Client, client: httpx.Client, house: SampleHouse, django_asked: list[str]
):
    with tenant(house.organization_id):
        set_rates(
            organization_id=house.organization_id,
            property_id=house.property.id,
            edits=[
                RateEdit(house.products["double", "nonref"].id, day, day, values)
                for day, values in [
                    (house.today + timedelta(days=20), {"min_stay_arrival": 3}),
                    (house.today + timedelta(days=30), {"closed_to_arrival": True}),
                    (house.today + timedelta(days=40), {"stop_sell": True}),
                    (house.today + timedelta(days=50), {"price": 12345, "max_stay": 2}),
                ]
            ],
            now=datetime.now(UTC),
            actor="test",
        )
    time.sleep(PATIENCE_S)
    asked = queries(house)
    statuses = set()
    paths = [house.property.code, str(house.property.id)]
    for number, query in enumerate([*asked, *asked[:40]]):  # some once more, which are then answered from what is kept
        ours, theirs = (one.get(f"/availability/{paths[number % 2]}?{query}") for one in (shop, client))
        assert said(ours) == said(theirs), query
        statuses.add(ours.status_code)
    assert statuses == {200, 422}
    assert 0 < len(django_asked) < len(asked), "many went the quick way"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("nobody", {}),
        (NOBODYS, {}),
        ("a%20b", {}),
        ("%00", {}),
        ("x" * 81, {}),
        ("{code}/", {}),
        ("{code}/calendar", {}),
        ("{code}", {"X-API-Key": ""}),
        ("{code}", {"X-API-Key": "isk_wrong"}),
        ("{code}", {"X-API-Key": "isk_wrong", "Authorization": "Bearer wrong"}),
        ("{code}", {"Authorization": "Bearer wrong"}),
        ("{code}", {"Host": "evil.example"}),
        ("{code}", {"Host": "localhost:1"}),
        ("{code}", {"X-Request-Id": "4111111111111111"}),
        ("{code}", {"Cookie": "sessionid=x"}),
        ("{code}", {"Accept-Encoding": "identity"}),
        ("{code}", {"Accept-Encoding": "gzip;q=0"}),
    ],
)
def test_at_every_door_it_does_as_django_does(
    shop: httpx.Client, client: httpx.Client, house: SampleHouse, path: str, headers: dict[str, str]
):
    place = path.format(code=house.property.code)
    asked = {"check_in": house.day(10), "check_out": house.day(20)}
    ours, theirs = (one.get(f"/availability/{place}", params=asked, headers=headers) for one in (shop, client))
    assert said(ours) == said(theirs)


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS"])
def test_other_methods_are_djangos(shop: httpx.Client, client: httpx.Client, house: SampleHouse, method: str):
    place = f"/availability/{house.property.code}?check_in={house.day(1)}&check_out={house.day(2)}"
    ours, theirs = (one.request(method, place) for one in (shop, client))
    assert (ours.status_code, ours.content == b"") == (theirs.status_code, theirs.content == b"")


def test_a_compressed_answer_is_a_whole_gzip_file_each_time(shop: httpx.Client, house: SampleHouse):
    plain = search(shop, house, check_out=house.day(40)).content
    packed = [search(shop, house, check_out=house.day(40)) for _ in range(3)]
    raw = shop.get(
        f"/availability/{house.property.code}",
        params={"check_in": house.day(10), "check_out": house.day(40), "adults": 2},
        headers={"Accept-Encoding": "identity"},
    )
    assert all(one.headers["content-encoding"] == "gzip" for one in packed)
    assert "content-encoding" not in raw.headers
    assert {_VARIES.sub(b"", one) for one in (plain, raw.content, *(one.content for one in packed))} == {
        _VARIES.sub(b"", plain)
    }


def test_who_is_looked_up_keeps_no_connection_from_others(web: str):
    """A thread that looks a key up ends no request of Django's. Threads of ended servers once held all connections."""
    pool = connections["default"].pool  # type: ignore[attr-defined]  # PostgreSQL's

    def held() -> int:
        stats = pool.get_stats()
        return int(stats["pool_size"] - stats["pool_available"])

    before = held()
    for _ in range(4):
        house = sample_house()
        with calling(web, house.secret) as shop:
            assert search(shop, house).status_code == 200
    for _ in range(50):  # until what was called is written down
        if held() <= max(before, 1):
            break
        time.sleep(0.1)
    assert held() <= max(before, 1), "the test's own at most"


# --- never an old answer --------------------------------------------------------------------------------------


def set_double(house: SampleHouse, first: int, last: int, values: dict[str, int | None]) -> None:
    """From the first to the last day, counted from today."""
    days = (house.today + timedelta(days=first), house.today + timedelta(days=last))
    set_rates(
        organization_id=house.organization_id,
        property_id=house.property.id,
        edits=[RateEdit(house.products["double", "bar"].id, *days, values)],
        now=datetime.now(UTC),
        actor="test",
    )


def set_price(house: SampleHouse) -> None:
    set_double(house, 0, 20, {"price": 7700})


def close(house: SampleHouse) -> None:
    set_double(house, 10, 10, {"stop_sell": True})


def no_departure(house: SampleHouse) -> None:
    set_double(house, 12, 12, {"closed_to_departure": True})


def sell_one(house: SampleHouse) -> None:
    change = inventory.StockChange()
    change.sell(house.room_types["double"].id, StayDates(house.today + timedelta(11), house.today + timedelta(13)))
    inventory.change_stock(property_id=house.property.id, change=change)


def take_a_room_out(house: SampleHouse) -> None:
    inventory.change_out_of_order(
        property_id=house.property.id,
        room_type_id=house.room_types["family"].id,
        first=house.today,
        last=house.today + timedelta(30),
        rooms=1,
    )


def by_hand(house: SampleHouse) -> None:
    with sql() as cursor:
        cursor.execute(
            "DELETE FROM inventory_stockday WHERE property_id = %s AND day > %s", (house.property.id, house.today)
        )


def drop_taxes(house: SampleHouse) -> None:
    Property.objects.filter(id=house.property.id).update(taxes=[])


def make_smaller(house: SampleHouse) -> None:
    RoomType.objects.filter(id=house.room_types["double"].id).update(max_adults=1)


def retire_plan(house: SampleHouse) -> None:
    RatePlan.objects.filter(id=house.plans["nonref"].id).update(retired_at=datetime.now(UTC))


def price_more_guests(house: SampleHouse) -> None:
    Product.objects.filter(id=house.products["double", "bar"].id).update(
        occupancy_pricing={"base_occupancy": 1, "extra_adult_minor": 500}
    )


def stop_selling(house: SampleHouse) -> None:
    Product.objects.filter(id=house.products["double", "nonref"].id).delete()


@pytest.mark.parametrize(
    "change",
    [
        set_price,
        close,
        no_departure,
        sell_one,
        take_a_room_out,
        by_hand,
        drop_taxes,
        make_smaller,
        retire_plan,
        price_more_guests,
        stop_selling,
    ],
)
def test_no_answer_is_kept_past_a_change(
    shop: httpx.Client,
    client: httpx.Client,
    house: SampleHouse,
    change: Callable[[SampleHouse], None],
    django_asked: list[str],
):
    before = said(search(shop, house))
    assert said(search(shop, house)) == before
    with tenant(house.organization_id):
        change(house)
    fresh = said(search(shop, house, fresh=1))
    assert fresh != before, "at once, where the truth was asked for"
    time.sleep(PATIENCE_S)
    assert said(search(shop, house)) == fresh == said(search(client, house))
    assert not [query for query in django_asked if "fresh" not in query], "which asks Django while the hotel changes"


def test_what_is_undone_changes_nothing(shop: httpx.Client, house: SampleHouse):
    before = said(search(shop, house))
    with pytest.raises(ZeroDivisionError), tenant(house.organization_id):
        set_price(house)
        raise ZeroDivisionError
    time.sleep(PATIENCE_S)
    assert said(search(shop, house)) == before


def test_as_of_is_never_long_ago_and_never_later_than_what_is_shown(shop: httpx.Client, house: SampleHouse):
    for _ in range(20):
        asked = datetime.now(UTC)
        as_of = datetime.fromisoformat(search(shop, house).json()["as_of"])
        assert as_of > asked - timedelta(seconds=settings.SEARCH_BEHIND_S + 0.002), "milliseconds are cut off"
        assert as_of <= datetime.now(UTC)
        time.sleep(0.003)


def test_a_lost_connection_takes_all_that_was_known_along(shop: httpx.Client, house: SampleHouse, database: str):
    before = said(search(shop, house))
    with psycopg.connect(database, autocommit=True) as owner:
        ended = owner.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            (APPLICATION,),
        ).fetchone()
    assert ended == (1,)
    with tenant(house.organization_id):
        set_price(house)
    time.sleep(PATIENCE_S)
    after = [said(search(shop, house)) for _ in range(3)]
    assert after[0] == after[1] == after[2] != before


def test_a_day_that_turns_takes_its_answers_along(
    shop: httpx.Client, house: SampleHouse, monkeypatch: pytest.MonkeyPatch
):
    """What is due at booking is due today, and arrivals of yesterday are past."""
    asked = {"check_in": house.day(0), "check_out": house.day(1)}
    assert search(shop, house, **asked).status_code == 200

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(days=1)

    clock = time.time
    monkeypatch.setattr(quick.time, "time", lambda: clock() + 86_400)
    monkeypatch.setattr(quick, "datetime", Tomorrow)
    monkeypatch.setattr("innsync.api.availability.datetime", Tomorrow)
    refused = search(shop, house, **asked)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/check_in"


# --- the doors ------------------------------------------------------------------------------------------------


def test_a_withdrawn_key_is_refused_within_a_second(web: str, house: SampleHouse):
    with tenant(house.organization_id):
        key, secret = create_api_key(
            organization_id=house.organization_id, name="x", scopes=[Scope.AVAILABILITY_READ.value]
        )
    with calling(web, secret) as shop:
        assert search(shop, house).status_code == 200
        with tenant(house.organization_id):
            revoke_api_key(key_id=key.id)
        time.sleep(selectors.REMEMBERED_S + 0.05)
        assert search(shop, house).status_code == 401


def test_a_key_that_ends_is_refused_when_it_ends(web: str, house: SampleHouse):
    ends = datetime.now(UTC) + timedelta(seconds=0.4)
    with tenant(house.organization_id):
        _, secret = create_api_key(
            organization_id=house.organization_id, name="x", scopes=[Scope.AVAILABILITY_READ.value], expires_at=ends
        )
    with calling(web, secret) as shop:
        assert search(shop, house).status_code == 200
        time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()) + 0.01)
        assert search(shop, house).status_code == 401


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"scopes": ["content:read"]}, 403),
        ({"ip_allowlist": ["10.0.0.0/8"]}, 403),
        ({"ip_allowlist": ["127.0.0.0/8"]}, 200),
        ({"property_ids": [uuid4()]}, 404),
    ],
)
def test_an_answer_kept_for_one_key_is_not_given_to_another_that_may_not_see_it(
    web: str, shop: httpx.Client, house: SampleHouse, options: dict[str, Any], status: int
):
    assert search(shop, house).status_code == 200
    with tenant(house.organization_id):
        _, secret = create_api_key(
            **{"organization_id": house.organization_id, "name": "x", "scopes": ["availability:read"], **options}
        )
    with calling(web, secret) as other:
        assert [search(other, house).status_code for _ in range(2)] == [status, status]


def test_a_hotel_of_another_organization_is_none(shop: httpx.Client, web: str, house: SampleHouse):
    stranger = sample_house()
    assert search(shop, house).status_code == 200
    with calling(web, stranger.secret) as other:
        assert search(other, house).status_code == 404
        assert (
            other.get(
                f"/availability/{house.property.id}", params={"check_in": house.day(10), "check_out": house.day(12)}
            ).status_code
            == 404
        )
        with tenant(stranger.organization_id):
            Property.objects.filter(id=stranger.property.id).update(code=house.property.code)
        time.sleep(PATIENCE_S)
        assert search(other, house).json()["hotel_id"] == str(stranger.property.id)
    assert search(shop, house).json()["hotel_id"] == str(house.property.id)


def test_the_limit_of_a_key_holds(web: str, house: SampleHouse):
    with tenant(house.organization_id):
        _, secret = create_api_key(
            organization_id=house.organization_id, name="x", scopes=["availability:read"], calls_per_minute=600
        )
    with calling(web, secret) as shop:
        began = time.monotonic()
        answers = [search(shop, house) for _ in range(680)]
        refilled = 10 * (time.monotonic() - began)
    granted = [one for one in answers if one.status_code == 200]
    assert {one.status_code for one in answers} == {200, 429}
    assert 590 <= len(granted) <= 600 + refilled + 2
    assert granted[0].headers["ratelimit-policy"] == '"key";q=600;w=60'
    assert next(one for one in answers if one.status_code == 429).headers["retry-after"]


def test_a_token_opens_what_its_key_does(shop: httpx.Client, web: str, house: SampleHouse, django_asked: list[str]):
    token = shop.post("/auth/token").json()["access_token"]
    django_asked.clear()
    with calling(web) as other:
        other.headers["Authorization"] = f"Bearer {token}"
        assert [search(other, house).status_code for _ in range(2)] == [200, 200]
        assert django_asked == []
        with tenant(house.organization_id):
            revoke_api_key(key_id=house.key.id)
        time.sleep(selectors.REMEMBERED_S + 0.05)
        assert search(other, house).status_code == 401


def test_the_uses_of_a_key_are_counted(shop: httpx.Client, house: SampleHouse):
    for _ in range(5):
        search(shop, house)
    time.sleep(selectors.REMEMBERED_S + 0.05)
    search(shop, house)
    with tenant(house.organization_id):
        house.key.refresh_from_db()
    assert house.key.calls == 6


def test_what_is_kept_is_bounded(shop: httpx.Client, house: SampleHouse, monkeypatch: pytest.MonkeyPatch):
    found: list[quick.QuickSearch] = []
    keep = quick.QuickSearch._keep

    def seen(self: quick.QuickSearch, *what: Any) -> None:
        keep(self, *what)
        found.append(self)

    monkeypatch.setattr(quick.QuickSearch, "_keep", seen)
    monkeypatch.setattr(quick, "ANSWERS_BYTES", 20_000)
    for arrive in range(2, 20):
        search(shop, house, check_in=house.day(arrive), check_out=house.day(arrive + 1))
    answers = found[-1]._answers
    assert 1 < len(answers) < 10
    assert found[-1]._bytes == sum(one.size for one in answers.values())


def test_a_search_takes_three_statements_at_most(
    shop: httpx.Client, house: SampleHouse, monkeypatch: pytest.MonkeyPatch
):
    """Whatever the hotel sells and however long the stay; one with the same answer takes none."""
    asked: list[int] = []
    ask = Lane.ask

    def counted(self: Lane, *statements: Any) -> Any:
        asked.append(len(statements))
        return ask(self, *statements)

    search(shop, house, fresh=1)
    monkeypatch.setattr(Lane, "ask", counted)
    for nights in (1, 7, 30):
        asked.clear()
        search(shop, house, check_out=house.day(10 + nights))
        assert sum(asked) <= 3
        asked.clear()
        search(shop, house, check_out=house.day(10 + nights), fresh=1)
        assert max(asked) == 3
        assert sum(asked) <= 4, "a look may be due beside the three of the search"
