"""The OWASP API Security Top 10 of 2023 as far as no other file plays it: tokens are in test_tokens, limits in test_access,
calls to others' addresses in the webhooks' tests, look-ups of codes in test_lookup.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from innsync.api import incoming
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.services import create_api_key
from innsync.apps.reservations.models import Booking
from innsync.config import bridge

ALL = [scope.value for scope in Scope]
# What comes in by webhook is proved by a signature, never by a key.
SIGNED = {f"receive_{event.replace('-', '_')}" for event in incoming.EVENTS}
OPEN_TO_ALL = {"get_token", "validate_token", "look_up_booking", *SIGNED}
# What names nothing of anybody: it is about the caller alone.
NAMES_NOTHING = {
    "list_events",
    "get_ticket",
    "list_webhook_endpoints",
    "create_webhook_endpoint",
    "search_several",
    "get_user",
}
# They show or send what the key's scopes let it see, and a key's webhooks are its own.
FOR_EVERY_KEY = {"list_events", "get_ticket"}
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    body: dict[str, Any] | None
    query: dict[str, Any]

    def ask(self, client: httpx.Client, names: dict[str, str]) -> httpx.Response:
        """names: what stands in the path, and for `hotel_id` in a body."""
        body = (
            None
            if self.body is None
            else {**self.body, **({"hotel_id": names["hotel_id"]} if "hotel_id" in self.body else {})}
        )
        headers = {"Idempotency-Key": uuid4().hex} if self.method == "post" else {}
        return client.request(self.method, self.path.format(**names), json=body, params=self.query, headers=headers)


@pytest.fixture(scope="module")
def operations(web: str) -> list[Operation]:
    """All that the published description has, with the bodies of its examples."""
    found = []
    for path, methods in httpx.get(f"{web}/api/openapi.json", timeout=60).json()["paths"].items():
        for method, one in methods.items():
            content = one.get("requestBody", {}).get("content", {}).get("application/json", {})
            query = {
                parameter["name"]: parameter["example"]
                for parameter in one.get("parameters", [])
                if parameter["in"] == "query" and parameter.get("required") and "example" in parameter
            }
            found.append(Operation(one["operationId"], method, path, content.get("example"), query))
    assert len(found) > 30
    return found


def hotel(**key: Any) -> SampleHouse:
    return sample_house(scopes=ALL, **key)


@pytest.fixture
def rival(web: str) -> dict[str, str]:
    """The ids of what another organization has, each really there."""
    house = hotel()
    with calling(web, house.secret) as client:
        booked = client.post("/bookings", json=house.booking()).raise_for_status().json()
        held = client.post("/holds", json=_hold(house)).raise_for_status()
        hook = client.post("/webhook-endpoints", json={"url": "http://127.0.0.1:9/hook", "types": ["booking.created"]})
        return {
            "hotel_id": str(house.property.id),
            "property_id": str(house.property.id),
            "booking_id": booked["booking_id"],
            "hold_id": held.json()["hold_id"],
            "endpoint_id": hook.raise_for_status().json()["id"],
            "delivery_id": str(uuid4()),
            "code": booked["code"],
            "user_id": "me",
        }


def _hold(house: SampleHouse) -> dict[str, Any]:
    stay = house.booking(arrive=15)
    return {name: stay[name] for name in ("hotel_id", "check_in", "check_out")} | {
        "rooms": [{"room_type_code": "double"}],
    }


@pytest.fixture
def mine(web: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=web, headers={"X-API-Key": hotel().secret}, timeout=30) as client:
        yield client


def test_another_organizations_things_are_as_good_as_none(
    operations: list[Operation], mine: httpx.Client, rival: dict[str, str]
):
    """API1: broken object level authorization."""
    tried = 0
    for operation in operations:
        if operation.id in OPEN_TO_ALL | NAMES_NOTHING:
            continue
        theirs = operation.ask(mine, rival)
        nobodys = operation.ask(mine, {name: str(uuid4()) for name in rival})
        assert theirs.status_code == nobodys.status_code, operation.id
        assert theirs.status_code in (404, 409, 422), (operation.id, theirs.text)
        assert theirs.json()["type"] == nobodys.json()["type"], operation.id
        if theirs.status_code == 422:
            assert {error["pointer"] for error in theirs.json()["errors"]} == {"/hotel_id"}, operation.id
        tried += 1
    assert tried > 20
    assert Booking.objects.count() == 0  # without a tenant nothing is seen at all


def test_several_hotels_name_none_of_another_organization(mine: httpx.Client, rival: dict[str, str]):
    asked = {"hotel_ids": rival["hotel_id"], "check_in": "2099-01-01", "check_out": "2099-01-02", "adults": 1}
    answer = mine.get("/api/booking-engine/availability", params=asked)
    assert [item["availability"] for item in answer.json()["items"]] == [None]


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "isk_guessed"}, {"Authorization": "Bearer e30.e30."}])
def test_without_a_good_key_every_operation_is_closed(
    operations: list[Operation], web: str, rival: dict[str, str], headers: dict[str, str]
):
    """API2: broken authentication."""
    with httpx.Client(base_url=web, headers=headers, timeout=30) as anybody:
        for operation in operations:
            if operation.id not in OPEN_TO_ALL:
                answer = operation.ask(anybody, rival)
                assert answer.status_code in (401, 429), (operation.id, answer.text)
                assert answer.headers["Content-Type"] == PROBLEM


def test_a_key_of_one_scope_opens_nothing_that_asks_for_another(operations: list[Operation], web: str):
    """API5: broken function level authorization. Each operation opens for some scope, and for that alone or its kin."""
    house = hotel()
    names = dict.fromkeys(("endpoint_id", "delivery_id", "hold_id", "booking_id"), str(uuid4()))
    names |= {"hotel_id": house.property.code, "property_id": house.property.code, "user_id": "me", "code": "AAAAAAAA"}
    opened: dict[str, set[str]] = {operation.id: set() for operation in operations}
    for scope in ALL:
        _, secret = create_api_key(organization_id=house.organization_id, name=scope, scopes=[scope])
        with httpx.Client(base_url=web, headers={"X-API-Key": secret}, timeout=30) as client:
            for operation in operations:
                if operation.id not in OPEN_TO_ALL and operation.ask(client, names).status_code != 403:
                    opened[operation.id].add(scope)
    for operation in operations:
        if operation.id not in OPEN_TO_ALL | FOR_EVERY_KEY and "webhook" not in operation.id:
            assert 1 <= len(opened[operation.id]) <= 2, (operation.id, opened[operation.id])
    assert (
        Scope.BOOKINGS_READ.value not in opened["change_booking"] | opened["cancel_booking"] | opened["create_booking"]
    )


@pytest.mark.parametrize(
    "more",
    [
        {"status": "cancelled"},
        {"total": {"amount": "0.01", "currency": "EUR"}},
        {"organization_id": str(uuid4())},
        {"channel": "booking_com", "version": 9},
        {"created_at": "2001-01-01T00:00:00Z", "code": "AAAAAAAA"},
    ],
)
def test_what_a_caller_may_not_say_is_refused_by_name(web: str, more: dict[str, Any]):
    """API3: broken object property level authorization, also called mass assignment."""
    house = hotel()
    with calling(web, house.secret) as client:
        refused = client.post("/bookings", json=house.booking() | more)
        assert refused.status_code == 422
        assert {error["pointer"] for error in refused.json()["errors"]} == {f"/{name}" for name in more}
        inside = house.booking()
        inside["rooms"][0] |= more
        assert client.post("/bookings", json=inside).status_code == 422
        booking_id = client.post("/bookings", json=house.booking()).json()["booking_id"]
        before = client.get(f"/bookings/{booking_id}").json()
        assert client.put(f"/bookings/{booking_id}", json=more).status_code == 422
        assert client.get(f"/bookings/{booking_id}").json() == before


def nested(depth: int) -> bytes:
    return b'{"guest":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    "body",
    [
        nested(100_000),
        b'{"rooms":[' + b'{"adults":1},' * 50_000 + b'{"adults":1}]}',
        b'{"special_requests":"' + b"a" * 5_000_000 + b'"}',
        b'{"check_in":' + b"9" * 200_000 + b"}",
        b'{"' + b"x" * 1_000_000 + b'":1}',
        b"\xff\xfe{}",
        b'{"hotel_id": NaN}',
    ],
    ids=["deep", "many rooms", "long text", "long number", "long name", "no UTF-8", "no JSON"],
)
def test_a_body_that_is_meant_to_hurt_is_refused_soon_and_as_any_other(web: str, body: bytes):
    """API4: unrestricted resource consumption."""
    house = hotel()
    with calling(web, house.secret) as client:
        answer = client.post("/bookings", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 413, 422), answer.text[:300]
        assert answer.headers["Content-Type"] == PROBLEM
        assert len(answer.content) < 20_000
        assert client.get(f"/hotels/{house.property.code}").status_code == 200


def raw(base: str, request: bytes, *, within_s: float = 20.0) -> bytes:
    """What is answered, headers and the beginning of the body, to bytes as they are."""
    parts = urlsplit(base)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=within_s) as line:
        line.sendall(request)
        found = b""
        while part := line.recv(65_536):
            found += part
        return found


def test_who_sends_a_body_byte_by_byte_holds_nobody_up(web: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bridge, "BODY_TAKES_S", 1.0)
    house = hotel()
    parts = urlsplit(web)
    lines = [socket.create_connection((parts.hostname or "", parts.port or 80), timeout=20) for _ in range(60)]
    try:
        for line in lines:
            line.sendall(
                b"POST /api/booking-engine/bookings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
            )
        with calling(web, house.secret) as client:
            for _ in range(5):
                assert client.get(f"/hotels/{house.property.code}").status_code == 200
        time.sleep(1.2)
        for line in lines:
            assert line.recv(1_000).startswith(b"HTTP/1.1 408 ")
    finally:
        for line in lines:
            line.close()


@pytest.mark.parametrize(
    "value", ["a\\r\\nSet-Cookie: x=1", "a\nX-Injected: 1", "%0d%0aX-Injected:%201", "é" * 40, "a" * 5_000]
)
def test_what_is_sent_in_a_header_becomes_no_header_of_ours(web: str, value: str):
    """API8: security misconfiguration."""
    sent = value.encode("utf-8").replace(b"\\r\\n", b"\r\n")
    house = hotel()
    request = (
        f"GET /api/booking-engine/hotels/{house.property.code} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {house.secret}\r\n"
        "Connection: close\r\nX-Request-Id: "
    ).encode()
    answer = raw(web, request + sent + b"\r\n\r\n")
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"x-injected" not in head
    assert b"set-cookie: x" not in head
    assert answer[9:12] in (b"200", b"400", b"431"), answer[:300]


def test_a_key_that_can_not_be_read_does_not_book_as_if_there_were_none(web: str):
    house = hotel()
    with calling(web, house.secret) as client:
        refused = client.post("/bookings", json=house.booking(), headers={"Idempotency-Key": b"\xe9"})
        assert refused.status_code == 422, refused.text
        odd = client.get(f"/availability/{house.property.code}", params=_search(house), headers={"X-Odd": b"\xe9"})
        assert odd.status_code == 200


def _search(house: SampleHouse) -> dict[str, Any]:
    return {"check_in": house.day(3), "check_out": house.day(5), "adults": 1}


@pytest.mark.parametrize(
    "path",
    [
        "/api/booking-engine/../../desk",
        "/api/booking-engine/hotels/..%2f..%2f..%2fetc%2fpasswd",
        "/api/booking-engine/hotels/%2e%2e/%2e%2e/bookings",
        "/api/booking-engine/hotels/%252e%252e",
        "/api/booking-engine/hotels/a%00b",
        "/api/booking-engine//hotels//x",
        "/api/booking-engine/hotels/x;admin=1",
        "/api/booking-engine/hotels/\\..\\..\\x",
        "/static/../../pyproject.toml",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/API/BOOKING-ENGINE/hotels/x",
        "/api/booking-engine/hotels/" + "x" * 3_000,
        "/api/booking-engine/availability/x?check_in=2099-01-01%00&check_out=2099-01-02&adults=1",
    ],
)
def test_tricks_with_paths_lead_nowhere(web: str, path: str):
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {hotel().secret}\r\nConnection: close\r\n\r\n"
    answer = raw(web, request.encode())
    assert answer[9:12] in (b"302", b"301", b"400", b"404", b"414", b"422"), answer[:300]
    assert b"Traceback" not in answer
    assert b"[project]" not in answer
    assert b"root:" not in answer


def test_a_method_that_is_not_meant_changes_nothing(
    operations: list[Operation], mine: httpx.Client, rival: dict[str, str]
):
    allowed: dict[str, set[str]] = {}
    for operation in operations:
        allowed.setdefault(operation.path, set()).add(operation.method.upper())
    for path, methods in allowed.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - methods:
            answer = mine.request(method, path.format(**rival), headers={"X-HTTP-Method-Override": "DELETE"})
            assert answer.status_code == 405, (method, path, answer.status_code)


def test_nothing_of_the_api_is_left_out_of_its_description(operations: list[Operation]):
    """API9: improper inventory management."""
    from django.urls import URLPattern, URLResolver, get_resolver

    def routes(resolver: URLResolver, before: str) -> Iterator[str]:
        for one in resolver.url_patterns:
            here = before + str(one.pattern)
            if isinstance(one, URLPattern):
                yield here
            else:
                yield from routes(one, here)

    served = {f"/{route}" for route in routes(get_resolver(), "") if route.startswith("api/booking-engine")}
    described = {operation.path for operation in operations}
    plain = {route.replace("<", "{").replace(">", "}") for route in served}
    assert {path for path in plain if path.strip("/") != "api/booking-engine"} <= described | {
        "/api/booking-engine/"
    }, plain - described
