"""The published clients: they ask as the API is described, and book at the running server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import uuid4

import httpx
import pytest

from innsync.api.tests.samples import SampleHouse

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "clients" / "python" / "src")]
import clients  # noqa: E402  # beside the product, not of it
from innsync_client import AsyncClient, Client, Refusal  # noqa: E402

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None and os.environ.get("CI") != "true", reason="no Node on this machine")
BASE, KEY = "http://hub.example", "isk_x"


@pytest.fixture(scope="module")
def operations() -> list[clients.Operation]:
    return list(clients.read(clients.described()))


def node(**asked: Any) -> Any:
    """What the client for JavaScript answered."""
    module = (ROOT / "clients" / "typescript" / "src" / "client.js").as_uri()
    done = subprocess.run(
        [NODE or "node", str(Path(__file__).with_name("calls.mjs"))],
        input=json.dumps({"module": module, **asked}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def expected(one: clients.Operation) -> tuple[str, str, dict[str, str], dict[str, str], Any]:
    """How the operation is asked with `given` in every place."""
    path = one.path
    for name in one.in_path:
        path = path.replace(f"{{{name}}}", quote(f"a/b {name}", safe=""))
    query = {name: "true" if kind(schema) == "boolean" else "7" for name, schema, _ in one.query}
    return one.method, path, query, {name.lower(): "x-y" for name, _, _ in one.headers}, {"a": 1} if one.body else None


def kind(schema: dict[str, Any]) -> str:
    return str(schema.get("type"))


def asked_query(one: clients.Operation) -> dict[str, Any]:
    return {name: True if kind(schema) == "boolean" else 7 for name, schema, _ in one.query}


def seen(
    method: str, url: str, headers: dict[str, str], body: Any
) -> tuple[str, str, dict[str, str], dict[str, str], Any]:
    parts = urlsplit(url)
    own = {name.lower(): value for name, value in headers.items() if value == "x-y"}
    assert {name.lower(): value for name, value in headers.items()}["x-api-key"] == KEY
    return method, parts.path, dict(parse_qsl(parts.query)), own, body


def test_what_is_there_fits_the_api():
    document = clients.described()
    for file, text in clients.written(document).items():
        assert file.read_text("utf-8") == text, f"{file.name} is old: make clients"


def test_every_operation_is_asked_as_it_is_described(operations: list[clients.Operation]):
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={})

    at_once = Client(BASE, KEY, http=httpx.Client(transport=httpx.MockTransport(answer)))
    awaited = AsyncClient(BASE, KEY, http=httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    for one in operations:
        named = {clients.snake(name): value for name, value in asked_query(one).items()}
        named |= {clients.snake(name): "x-y" for name, _, _ in one.headers}
        if one.body:
            named["body"] = {"a": 1}
        in_path = [f"a/b {name}" for name in one.in_path]
        getattr(at_once, one.name)(*in_path, **named)
        asyncio.run(getattr(awaited, one.name)(*in_path, **named))
        for request in requests[-2:]:
            body = json.loads(request.content) if request.content else None
            assert seen(request.method, str(request.url), dict(request.headers), body) == expected(one), one.name
    assert len(requests) == 2 * len(operations) > 60


@needs_node
def test_every_operation_is_asked_so_in_javascript_too(operations: list[clients.Operation]):
    calls = []
    for one in operations:
        sent = [{"a": 1}] if one.body else []
        sent += [asked_query(one)] if one.query else []
        sent += [{name: "x-y" for name, _, _ in one.headers}] if one.headers else []
        calls.append([clients.camel(one.name), [*(f"a/b {name}" for name in one.in_path), *sent]])
    told = node(base=f"{BASE}/", key=KEY, calls={"each": calls})
    for one, request in zip(operations, told, strict=True):
        assert seen(request["method"], request["url"], request["headers"], request["body"]) == expected(one), one.name


@pytest.fixture
def innsync(web: str, house: SampleHouse) -> Iterator[Client]:
    with Client(web, house.secret) as found:
        yield found


def test_a_program_books_changes_and_cancels(innsync: Client, house: SampleHouse):
    stay = {"check_in": house.day(10), "check_out": house.day(12)}
    hotel = house.property.code
    assert innsync.get_hotel(hotel)["name"] == "Sample Hotel"
    found = innsync.search_availability(hotel, **stay, adults=2, explain=True)
    offer = found["offers"][0]
    assert "unavailable" in found
    room = {"room_type_id": offer["room_type_id"], "rate_plan_id": offer["rate_plan_id"], "adults": 2}
    hold = innsync.place_hold({"hotel_id": hotel, **stay, "rooms": [room]})
    assert innsync.release_hold(hold["hold_id"]) is None
    body: Any = {**house.booking(), "rooms": [room], "expected_total": offer["total"]}
    once = uuid4().hex
    made = innsync.create_booking(body, idempotency_key=once)
    assert made["total"] == offer["total"]
    assert innsync.create_booking(body, idempotency_key=once)["booking_id"] == made["booking_id"]
    read = innsync.get_booking(made["booking_id"], include="history")
    assert len(read["history"]) == 1
    seen_version = f'"{read["version"]}"'
    changed = innsync.change_booking(made["booking_id"], {"special_requests": "Quiet"}, if_match=seen_version)
    assert changed["special_requests"] == "Quiet"
    with pytest.raises(Refusal) as stale:
        innsync.cancel_booking(made["booking_id"], if_match=seen_version)
    assert (stale.value.status, stale.value.kind) == (412, "stale")
    assert innsync.cancel_booking(made["booking_id"])["status"] == "cancelled"


def test_what_is_refused_says_why(innsync: Client, web: str, house: SampleHouse):
    with pytest.raises(Refusal) as refused:
        innsync.search_availability(house.property.code, check_in=house.day(5), check_out=house.day(5))
    assert refused.value.kind == "invalid"
    assert refused.value.errors[0]["pointer"] == "/check_out"
    with pytest.raises(Refusal) as nobody:
        innsync.get_hotel("../nobody")
    assert nobody.value.status in (404, 422)
    with Client(web, "isk_wrong") as stranger, pytest.raises(Refusal) as unknown:
        stranger.list_events()
    assert (unknown.value.status, unknown.value.kind) == (401, "unauthorised")


def test_a_program_on_an_event_loop_does_the_same(web: str, house: SampleHouse):
    async def book() -> tuple[str, str, str]:
        async with AsyncClient(web, house.secret) as innsync:
            body: Any = house.booking()
            made, hotel = await asyncio.gather(innsync.create_booking(body), innsync.get_hotel(house.property.code))
            with pytest.raises(Refusal) as refused:
                await innsync.create_booking({**body, "check_out": body["check_in"]})
            cancelled = await innsync.cancel_booking(made["booking_id"])
            return hotel["name"], refused.value.kind, cancelled["status"]

    assert asyncio.run(book()) == ("Sample Hotel", "invalid", "cancelled")


def test_a_proxys_own_answer_is_a_problem_too():
    page = httpx.Response(502, text="<h1>Bad Gateway</h1>", headers={"Retry-After": "3"})
    http = httpx.Client(transport=httpx.MockTransport(lambda _: page))
    with Client(BASE, KEY, http=http) as client, pytest.raises(Refusal) as refused:
        client.get_hotel("any")
    assert (refused.value.status, refused.value.retry_after) == (502, 3.0)
    assert "Bad Gateway" in refused.value.detail
    assert not http.is_closed, "it is the program's own"


@needs_node
def test_a_javascript_program_does_the_same(web: str, house: SampleHouse):
    stay = {"check_in": house.day(10), "check_out": house.day(12)}
    live = {"hotel": house.property.code, "stay": stay, "booking": house.booking()}
    said = node(base=web, key=house.secret, calls={"live": live})
    assert said["offered"] > 0
    assert said["same"] is True
    assert said["history"] == 1
    assert said["wishes"] == "Quiet"
    assert said["refused"] == [True, 412, "stale"]
    assert said["status"] == "cancelled"
    assert said["nobody"][0] is True
