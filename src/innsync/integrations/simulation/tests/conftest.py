from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from innsync.integrations.conformance.loopback import free_port
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
NOW = datetime(2027, 2, 15, 12, tzinfo=UTC)
AUTH = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def world() -> WORLD:
    """Its time stands still, at a moment before the days that these tests are about."""
    return WORLD(Clock(stands_at=NOW))


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


@pytest.fixture(name="free_port")
def a_free_port() -> int:
    return free_port()
