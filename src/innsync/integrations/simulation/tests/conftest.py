from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from innsync.integrations.conformance.server import serve
from innsync.integrations.simulation.tests.toyland.simulator import KEY, WORLD
from innsync.integrations.simulation.world import Clock

HOUSE = {
    "code": "harbour-house",
    "name": "Harbour House",
    "currency": "EUR",
    "time_zone": "Europe/Lisbon",
    "rooms": [
        {
            "code": "double",
            "name": "Double room",
            "count": 3,
            "rates": [{"code": "flex", "name": "Flexible", "occupancies": [1, 2]}],
        },
        {
            "code": "suite",
            "name": "Suite",
            "count": 1,
            "rates": [{"code": "flex", "name": "Flexible"}, {"code": "saver", "name": "Saver"}],
        },
    ],
}
AUTH = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def world() -> WORLD:
    return WORLD(Clock())


@pytest.fixture
def base_url(world: WORLD) -> Iterator[str]:
    with serve(world, control=True) as url:
        yield url


@pytest.fixture
def client(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, timeout=10) as found:
        yield found


@pytest.fixture
def house(client: httpx.Client) -> dict:
    answer = client.post("/_control/toyland/properties", json=HOUSE)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
