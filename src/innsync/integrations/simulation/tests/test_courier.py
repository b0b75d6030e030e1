from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innsync.integrations.conformance.server import serve_app
from innsync.integrations.simulation.courier import is_loopback
from innsync.integrations.simulation.tests.conftest import HOUSE
from innsync.integrations.simulation.tests.driving import eventually, open_rooms, wish

V = "/_control/toyland"


class Partner:
    """A hub that notes what it is told; the first call it gets takes longest: until others were heard, or so long."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.arrived = 0
        self.status = 200
        self.waits_for_others, self.waits_s = 1, 0.1

    async def hear(self, request: Request) -> Response:
        message = await request.json()
        self.arrived += 1
        if self.arrived == 1:
            await self._linger()
        self.heard.append(message["id"])
        return Response(status_code=self.status)

    async def _linger(self) -> None:
        until = time.monotonic() + self.waits_s
        while len(self.heard) < self.waits_for_others and time.monotonic() < until:
            await asyncio.sleep(0.01)


@pytest.fixture
def partner() -> Partner:
    return Partner()


@pytest.fixture
def hub(partner) -> Iterator[str]:
    with serve_app(Starlette(routes=[Route("/hook", partner.hear, methods=["POST"])])) as url:
        yield f"{url}/hook"


@pytest.fixture
def connected(client, hub) -> None:
    client.post(f"{V}/properties", json={**HOUSE, "settings": {"notify_url": hub}}).raise_for_status()
    open_rooms(client, 9)


def book(client, times: int) -> list[str]:
    return [client.post(f"{V}/bookings", json=wish()).json()["reference"] for _ in range(times)]


def test_calls_reach_the_partner_in_the_vendors_order(client, connected, partner, world):
    references = book(client, 5)
    eventually(lambda: len(world.state["told"]) == 5)
    assert partner.heard == [f"{reference}-1" for reference in references]
    assert world.state["told"] == [(f"{reference}-1", 200) for reference in references]
    calls = client.get(f"{V}/calls").json()["items"]
    assert [(call["operation"], call["verdict"]) for call in calls] == [(name, "ok") for name in partner.heard]


def test_a_refusal_is_reported_to_the_vendor(client, connected, partner, world):
    partner.status = 503
    [reference] = book(client, 1)
    eventually(lambda: world.state["told"] == [(f"{reference}-1", 503)])


def test_duplicates_are_delivered_twice(client, connected, partner):
    client.post(f"{V}/faults", json={"duplicate": True}).raise_for_status()
    [reference] = book(client, 1)
    eventually(lambda: partner.heard == [f"{reference}-1"] * 2)


def test_dropped_calls_never_arrive(client, connected, partner, world):
    client.post(f"{V}/faults", json={"drop_webhooks": True}).raise_for_status()
    [reference] = book(client, 1)
    eventually(lambda: world.state["told"] == [(f"{reference}-1", None)])
    assert partner.heard == []


def test_reordered_calls_overtake_one_another(client, connected, partner, world):
    client.post(f"{V}/faults", json={"reorder": True}).raise_for_status()
    partner.waits_for_others, partner.waits_s = 5, 9.0  # less than the courier waits for an answer
    [first] = book(client, 1)
    eventually(lambda: partner.arrived == 1)
    others = book(client, 5)
    eventually(lambda: len(partner.heard) == 6)
    assert sorted(partner.heard[:5]) == sorted(f"{reference}-1" for reference in others)
    assert partner.heard[5] == f"{first}-1"


def test_a_vendor_never_calls_beyond_this_machine(client, world):
    house = {**HOUSE, "settings": {"notify_url": "http://192.0.2.1/hook"}}
    client.post(f"{V}/properties", json=house).raise_for_status()
    open_rooms(client)
    [reference] = book(client, 1)
    eventually(lambda: world.state["told"] == [(f"{reference}-1", None)])
    assert client.get(f"{V}/calls").json()["items"][0]["verdict"] == "not loopback"


@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("http://127.0.0.1:8000/x", True),
        ("http://[::1]/x", True),
        ("http://localhost:1/x", True),
        ("http://localhost.evil.example/x", False),
        ("http://127.0.0.1@evil.example/x", False),
        ("ftp://127.0.0.1/x", False),
        ("not a url", False),
    ],
)
def test_loopback_is_told_from_the_rest(url, near):
    assert is_loopback(url) is near


def test_one_vendors_mistake_stops_no_time(client, connected, partner, world, monkeypatch, caplog):
    def broken() -> None:
        raise RuntimeError("oops")

    monkeypatch.setattr(world, "tick", broken)
    eventually(lambda: "the world of toyland failed" in caplog.text)
    [reference] = book(client, 1)
    eventually(lambda: partner.heard == [f"{reference}-1"])
