"""The two promises, seen from outside: the whole product runs, and only its doors are used."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from tests.stack.product import Product

pytestmark = pytest.mark.stack
HOTEL = "seaside-hotel"
SETTLE_S = 60.0


class World:
    """The running demo: its API and its sandbox."""

    def __init__(self, product: Product, ready: dict[str, Any]) -> None:
        self.product = product
        self.sandbox: str = ready["sandbox"]
        self.client = httpx.Client(timeout=60)
        self.api = httpx.Client(
            base_url=f"{ready['ready']}/api/booking-engine",
            headers={"X-API-Key": ready["api_key"]},
            timeout=60,
            # As many as there are clients at once: one that is closed while another thread takes it fails there.
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64),
        )

    def control(self, method: str, path: str, body: object | None = None) -> Any:
        response = self.client.request(method, f"{self.sandbox}/_control/{path}", json=body)
        response.raise_for_status()
        return response.json() if response.content else None

    def vendors(self) -> list[str]:
        return [item["vendor"] for item in self.control("GET", "vendors")["items"]]

    def at_channel(self, vendor: str, room: str, night: date) -> int:
        days = self.control("GET", f"{vendor}/calendar?property={HOTEL}&from={night}&to={night}")["days"]
        return int(next(line["available"] for line in days if line["room"] == room))

    def at_api(self, room: str, night: date) -> int:
        found = self.api.get(
            f"/availability/{HOTEL}",
            params={"check_in": str(night), "check_out": str(night + timedelta(days=1)), "adults": 1, "fresh": 1},
        )
        assert found.status_code == 200, found.text
        offers = found.json()["offers"]
        return max((offer["available"] for offer in offers if offer["room_type_code"] == room), default=0)

    def everywhere(self, room: str, night: date) -> dict[str, int]:
        return {"api": self.at_api(room, night)} | {
            vendor: self.at_channel(vendor, room, night) for vendor in self.vendors()
        }

    def wait_for(self, room: str, night: date, rooms: int) -> None:
        deadline = time.monotonic() + SETTLE_S
        expected = dict.fromkeys(["api", *self.vendors()], rooms)
        while (seen := self.everywhere(room, night)) != expected:
            assert time.monotonic() < deadline, f"{room} on {night}: wanted {rooms} everywhere, found {seen}"
            time.sleep(0.05)

    def guest_books(self, vendor: str, room: str, night: date) -> None:
        self.control(
            "POST",
            f"{vendor}/bookings",
            {
                "property": HOTEL,
                "room": room,
                "rate": "bar",
                "check_in": str(night),
                "check_out": str(night + timedelta(days=1)),
                "adults": 1,
                "guest": {"name": "Ada Example", "email": "ada@guest.example"},
                "force": True,
            },
        )

    def book(self, room: str, night: date, **more: Any) -> httpx.Response:
        body = {
            "hotel_id": HOTEL,
            "check_in": str(night),
            "check_out": str(night + timedelta(days=1)),
            "rooms": [{"room_type_code": room, "rate_plan_code": "bar", "adults": 1, "children": 0}],
            "guest": {"name": "Sarah Johnson", "email": "sarah@example.com"},
            **more,
        }
        return self.api.post("/bookings", json=body)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    product = Product()
    try:
        made = World(product, product.start())
        made.wait_for("single", tonight(30), 8)
        yield made
        made.client.close()
        made.api.close()
    finally:
        product.end()
        shutil.rmtree(product.folder, ignore_errors=True)


def tonight(ahead: int) -> date:
    return date.today() + timedelta(days=ahead)  # noqa: DTZ011  # any day far enough ahead will do


@pytest.mark.parametrize("seller", ["booking_com", "expedia", "channex"])
def test_a_room_sold_at_one_channel_is_closed_at_the_others_and_in_the_api(world: World, seller: str) -> None:
    night = tonight({"booking_com": 40, "expedia": 41, "channex": 42}[seller])
    world.wait_for("suite", night, 4)
    world.guest_books(seller, "suite", night)
    world.wait_for("suite", night, 3)


def test_a_room_sold_through_the_api_is_closed_at_every_channel(world: World) -> None:
    night = tonight(45)
    assert world.book("family", night).status_code == 201
    world.wait_for("family", night, 5)


@pytest.mark.timeout(900)  # 6700 calls
def test_sixty_four_clients_sell_the_last_room_once(world: World) -> None:
    with ThreadPoolExecutor(64) as clients:
        for attempt in range(100):
            night = tonight(200 + attempt)
            for _ in range(3):
                assert world.book("suite", night).status_code == 201
            answers = sorted(
                answer.status_code for answer in clients.map(lambda when: world.book("suite", when), [night] * 64)
            )
            assert answers == [201] + [409] * 63
    for attempt in range(0, 100, 9):
        world.wait_for("suite", tonight(200 + attempt), 0)


def test_a_call_refused_before_its_body_arrived_leaves_the_connection_as_it_was(world: World) -> None:
    """Else a client of many calls loses the next one, without knowing whether it was done."""
    connection = HTTPConnection(world.api.base_url.netloc.decode())
    connection.auto_open = 0
    connection.connect()
    for _ in range(3):
        connection.putrequest("POST", "/api/booking-engine/bookings")
        for name, value in (("X-API-Key", "isk_nobody"), ("Content-Type", "application/json"), ("Content-Length", "2")):
            connection.putheader(name, value)
        connection.endheaders()
        time.sleep(0.1)
        connection.send(b"{}")
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:1]) == (401, b"{")
    connection.close()


def test_bookings_from_everywhere_while_workers_are_killed_leave_every_calendar_right(world: World) -> None:
    random.seed(7)
    expected: dict[date, int] = {}
    sellers = [*world.vendors(), "api"]
    for attempt in range(40):
        night = tonight(100 + attempt % 8)
        if expected.get(night, 12) == 0:
            continue
        seller = random.choice(sellers)
        if seller == "api":
            assert world.book("twin", night).status_code == 201
        else:
            world.guest_books(seller, "twin", night)
        expected[night] = expected.get(night, 12) - 1
        if attempt in (10, 25):
            for process in world.product.named("worker-1")[:1]:
                process.send_signal(signal.SIGKILL)
        time.sleep(0.1)
    for night, rooms in expected.items():
        world.wait_for("twin", night, rooms)
