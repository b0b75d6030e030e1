"""Keys that stand in a website's pages: good there, for what a visitor does, and nowhere and for nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.conf import settings

from innsync.api import cors, security
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.origins import read_origin
from innsync.apps.accounts.selectors import REMEMBERED_S, authenticate
from innsync.apps.accounts.services import (
    PUBLISHABLE_SCOPES,
    create_api_key,
    revoke_api_key,
    rotate_api_key,
)
from innsync.config.bridge import Bridge
from innsync.domain.errors import InvalidField

SCOPES = [scope.value for scope in PUBLISHABLE_SCOPES]


@pytest.fixture
def site() -> str:
    """Of a website of its own, as limits and what is remembered of an origin outlive a test."""
    return f"https://{uuid4().hex[:8]}.example"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests call from one address: its limits are their own matter below."""
    monkeypatch.setattr(security, "VISITOR_CHANGES_PER_MINUTE", 100_000)
    monkeypatch.setattr(security, "VISITOR_CALLS_PER_MINUTE", 100_000)


def publish(house: SampleHouse, *origins: str, **more: Any) -> str:
    wanted = {"name": "Website", "scopes": SCOPES, "property_ids": [house.property.id], "origins": origins} | more
    return create_api_key(organization_id=house.organization_id, **wanted)[1]


@pytest.fixture
def key(house: SampleHouse, site: str) -> str:
    return publish(house, site)


@pytest.fixture
def page(address: str, key: str, site: str) -> Iterator[httpx.Client]:
    """As a browser calls from the website."""
    with calling(address, key) as found:
        found.headers["Origin"] = site
        yield found


def opened(answer: httpx.Response) -> dict[str, str]:
    """The headers that let a page read it."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def search(house: SampleHouse) -> str:
    return f"/availability/{house.property.code}?check_in={house.day(10)}&check_out={house.day(12)}"


def test_a_visitor_searches_keeps_rooms_and_books(page: httpx.Client, house: SampleHouse, site: str):
    calls = [
        page.get(f"/hotels/{house.property.code}"),
        page.get(f"/room-types/{house.property.code}"),
        page.get(search(house)),
        page.get(f"/availability/{house.property.code}/calendar?from={house.day(1)}&to={house.day(30)}"),
        page.post("/holds", json={key: value for key, value in house.booking().items() if key != "guest"}),
    ]
    assert [one.status_code for one in calls] == [200, 200, 200, 200, 201]
    calls.append(page.post("/bookings", json=house.booking(hold_id=calls[-1].json()["hold_id"])))
    assert calls[-1].status_code == 201, calls[-1].text
    assert calls[-1].json()["sync"] == {}, "where the hotel sells is its own matter"
    for one in calls:
        assert opened(one) == {
            "access-control-allow-origin": site,
            "access-control-expose-headers": cors.READABLE,
        }
        assert "Origin" in one.headers["vary"]


def test_it_is_good_for_nothing_else(page: httpx.Client, client: httpx.Client, house: SampleHouse):
    made = page.post("/bookings", json=house.booking()).json()
    booking = f"/bookings/{made['booking_id']}"
    whole = str(page.base_url).removesuffix("booking-engine/")
    for refused in (
        page.get(booking),
        page.put(booking, json={"special_requests": "mine"}),
        page.delete(booking),
        page.get("/events"),
        page.get("/webhook-endpoints"),
        page.post("/webhook-endpoints", json={"url": "https://evil.example/", "types": ["booking.created"]}),
        page.get("/auth/user/me"),
        page.post("/auth/token"),
        page.post(f"{whole}events/ticket"),
        page.get(f"{whole}owner/properties/{house.property.id}/bookings"),
    ):
        assert refused.status_code == 403, (refused.request.url, refused.text)
        assert refused.json()["type"] == "/problems/forbidden"
    assert client.get(booking).json()["version"] == made["version"]


def test_another_hotel_of_the_organization_is_not_there(page: httpx.Client, house: SampleHouse):
    other = sample_house(organization=house.organization)
    assert page.get(search(other)).status_code == 404
    assert page.post("/bookings", json=other.booking()).status_code == 404
    assert page.post("/holds", json=other.booking() | {"guest": None}).status_code in (404, 422)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "*",
        "https://",
        "{host}",
        "http://{host}",
        "https://{host}:8443",
        "https://{host}/",
        "https://{host}.evil.example",
        "https://evil-{host}",
        "https://sub.{host}",
        "https://{host}@evil.example",
        "https://{host}%0d%0aset-cookie:x",
        "HTTPS://{host}",
        "https://evil.example https://{host}",
        "https://evil.example, https://{host}",
    ],
)
def test_from_anywhere_else_it_is_refused_and_no_page_may_read_why(
    web: str, address: str, key: str, house: SampleHouse, site: str, origin: str | None
):
    shown = {} if origin is None else {"Origin": origin.replace("{host}", site.removeprefix("https://"))}
    for served in (web, address):
        with calling(served, key) as client:
            refused = client.get(search(house), headers=shown)
            assert refused.status_code == 403
            assert "publishable" in refused.json()["detail"]
            assert opened(refused) == {}
            assert client.post("/bookings", json=house.booking(), headers=shown).status_code == 403
            asked = {**shown, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}
            assert opened(client.options(search(house), headers=asked)) == {}


def test_pages_of_the_installation_itself_read_without_an_origin(address: str, key: str, house: SampleHouse):
    with calling(address, key) as client:
        assert client.get(search(house), headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
        for elsewhere in ("same-site", "cross-site", "none"):
            assert client.get(search(house), headers={"Sec-Fetch-Site": elsewhere}).status_code == 403


def test_a_browser_may_ask_beforehand_without_the_key(address: str, key: str, site: str):
    asked = {"Origin": site, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    with calling(address) as client:
        told = client.options("/bookings", headers=asked)
        assert told.status_code == 204
        assert opened(told) == {
            "access-control-allow-origin": site,
            "access-control-allow-methods": "GET, POST, DELETE",
            "access-control-allow-headers": cors.SENT,
            "access-control-max-age": "600",
        }
        assert "Origin" in told.headers["vary"]
        assert opened(client.options("/bookings", headers={"Origin": site})) == {}, "that was no such question"
        assert opened(client.options(f"{address}/api/events/ticket", headers=asked)) == {}


def test_a_withdrawn_key_closes_its_origin_within_a_second(page: httpx.Client, house: SampleHouse, site: str):
    caller = authenticate(secret=page.headers["X-API-Key"])
    assert caller is not None
    asked = {"Access-Control-Request-Method": "GET"}
    assert page.options(search(house), headers=asked).status_code == 204
    assert page.get(search(house)).status_code == 200
    revoke_api_key(key_id=caller.key_id)
    time.sleep(REMEMBERED_S + 0.05)
    assert opened(page.options(search(house), headers=asked)) == {}
    refused = page.get(search(house))
    assert (refused.status_code, opened(refused)) == (401, {})


def test_other_keys_open_nothing_to_pages(web: str, address: str, house: SampleHouse, key: str, site: str):
    for served in (web, address):
        with calling(served, house.secret) as client:
            answer = client.get(search(house), headers={"Origin": site})
            assert (answer.status_code, opened(answer)) == (200, {})
        with calling(served, "ipk_" + "x" * 32) as client:
            answer = client.get(search(house), headers={"Origin": site})
            assert (answer.status_code, opened(answer)) == (401, {})


def test_a_key_of_another_website_opens_nothing_here(page: httpx.Client, house: SampleHouse, site: str):
    other = publish(house, f"https://other-{uuid4().hex[:6]}.example")
    refused = page.get(search(house), headers={"X-API-Key": other})
    assert (refused.status_code, opened(refused)) == (403, {})


def test_cookies_are_of_no_use(web: str, key: str, house: SampleHouse, site: str):
    with calling(web, key) as client:
        answer = client.get(search(house), headers={"Origin": site, "Cookie": "sessionid=somebody"})
        assert answer.status_code == 200
        assert "access-control-allow-credentials" not in answer.headers
        assert "set-cookie" not in answer.headers
        without = client.get(search(house), headers={"Origin": site, "Cookie": "sessionid=x", "X-API-Key": ""})
        assert (without.status_code, opened(without)) == (401, {})


def test_the_quick_way_says_the_same(
    web: str, page: httpx.Client, key: str, house: SampleHouse, site: str, monkeypatch: pytest.MonkeyPatch
):
    slow = []
    serve = Bridge.serve

    async def seen(self: Bridge, scope: Any, proto: Any) -> None:
        slow.append(scope.path)
        await serve(self, scope, proto)

    monkeypatch.setattr(Bridge, "serve", seen)
    time.sleep(settings.SEARCH_BEHIND_S + 0.03)
    with calling(web, key) as client:
        quick = client.get(search(house), headers={"Origin": site})
    theirs = page.get(search(house))
    assert slow == []
    own = ("date", "x-request-id", "ratelimit", "server", "content-length")
    assert {k: v for k, v in quick.headers.items() if k not in own} == {
        k: v for k, v in theirs.headers.items() if k not in own
    }
    assert quick.json()["offers"] == theirs.json()["offers"]


@pytest.mark.parametrize("way", ["web", "address"])
def test_an_address_has_its_limit_whatever_keys_it_shows(
    request: pytest.FixtureRequest, way: str, house: SampleHouse, site: str, monkeypatch: pytest.MonkeyPatch
):
    served = request.getfixturevalue(way)
    monkeypatch.setattr(security, "VISITOR_CALLS_PER_MINUTE", 3)
    monkeypatch.setattr(security, "visitor_bucket", lambda _: f"visitor:{site}:{way}")
    monkeypatch.setattr("innsync.api.quick.VISITOR_CALLS_PER_MINUTE", 3)
    monkeypatch.setattr("innsync.api.quick.visitor_bucket", lambda _: f"visitor:{site}:{way}")
    said = []
    for _ in range(2):
        with calling(served, publish(house, site)) as client:
            said += [client.get(search(house), headers={"Origin": site}) for _ in range(2)]
    assert [one.status_code for one in said] == [200, 200, 200, 429]
    assert opened(said[-1])["access-control-allow-origin"] == site, "the page can tell its visitor to wait"
    assert int(said[-1].headers["retry-after"]) >= 1


def test_bookings_from_one_address_are_few(page: httpx.Client, house: SampleHouse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(security, "VISITOR_CHANGES_PER_MINUTE", 2)
    monkeypatch.setattr(security, "neighbourhood", lambda _: house.property.code)
    answers = [page.post("/bookings", json=house.booking(arrive=20 + day)) for day in range(3)]
    assert [one.status_code for one in answers] == [201, 201, 429]
    assert page.get(search(house)).status_code == 200


def test_the_keys_own_limit_counts_too(address: str, house: SampleHouse, site: str):
    with calling(address, publish(house, site, calls_per_minute=1)) as client:
        statuses = [client.get(search(house), headers={"Origin": site}).status_code for _ in range(2)]
    assert statuses == [200, 429]


@pytest.mark.parametrize(("more", "field"), [({"minutes": 11}, "/minutes"), ({"count": 10}, "/rooms")])
def test_a_visitor_keeps_few_rooms_and_not_for_long(
    page: httpx.Client, house: SampleHouse, more: dict[str, int], field: str
):
    body = {
        "hotel_id": house.property.code,
        "check_in": house.day(5),
        "check_out": house.day(6),
        "rooms": [{"room_type_id": "double", "count": more.get("count", 1)}],
        "minutes": more.get("minutes", 10),
    }
    refused = page.post("/holds", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == field


def test_a_replaced_key_is_for_the_same_pages(house: SampleHouse, site: str):
    key, _ = create_api_key(
        organization_id=house.organization_id,
        name="Website",
        scopes=SCOPES,
        property_ids=[house.property.id],
        origins=[site],
    )
    newer, secret = rotate_api_key(key_id=key.id, grace=timedelta(hours=1))
    assert secret.startswith("ipk_")
    assert (newer.origins, newer.published, newer.scopes) == ([site], secret, sorted(SCOPES))


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": [*SCOPES, "bookings:read"]},
        {"scopes": ["bookings:write"]},
        {"property_ids": []},
        {"origins": ["https://a.example", "null"]},
        {"origins": [f"https://{number}.example" for number in range(21)]},
    ],
)
def test_one_that_would_be_good_for_more_is_not_made(house: SampleHouse, wrong: dict[str, Any]):
    with pytest.raises(InvalidField):
        publish(house, **{"origins": ["https://a.example"]} | wrong)


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://www.example.com", "https://www.example.com"),
        (" https://WWW.Example.com:443/ ", "https://www.example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://旅館.example", "https://xn--zfvv75i.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(typed: str, origin: str):
    assert read_origin(typed) == origin


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "null",
        "*",
        "https://*",
        "https://*.example.com",
        "www.example.com",
        "http://www.example.com",
        "https://www.example.com/book",
        "https://www.example.com?x",
        "https://www.example.com#x",
        "https://user@www.example.com",
        "https://www.example.com:99999",
        "https://exa mple.com",
        "https://-a.example",
        "https://a..example",
        "ftp://www.example.com",
        "http://localhost.evil.example",
        "https://",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_origin_is_refused(typed: str):
    with pytest.raises(ValueError):
        read_origin(typed)
