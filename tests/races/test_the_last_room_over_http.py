"""Many guests at once want the last rooms through the API. Complaints C01, C03 and C05."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import httpx
import pytest
from django.db import connection

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling, served
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory.services import SoldOut, StockChange

GUESTS = 32
ROUNDS = 5


@pytest.fixture(scope="module")
def address(database: str) -> Iterator[str]:
    with served() as found:
        yield found


def all_at_once(address: str, house: SampleHouse, *, arrive: int) -> list[httpx.Response]:
    """Every guest sends the same booking at the same moment, each over an open connection of its own."""
    start = threading.Barrier(GUESTS)

    def guest(_: int) -> httpx.Response:
        with calling(address, house.secret) as client:
            client.get("/nowhere")
            start.wait(60)
            return client.post("/bookings", json=house.booking(arrive=arrive, nights=3))

    with ThreadPoolExecutor(GUESTS) as pool:
        return list(pool.map(guest, range(GUESTS)))


def counts(house: SampleHouse) -> list[tuple[int, int, int]]:
    """(rooms, sold, oversold) of every night of the doubles."""
    with tenant(house.organization_id), sql() as cursor:
        return cursor.execute(
            "SELECT rooms, sold, oversold FROM inventory_stockday WHERE property_id = %s AND room_type_id = %s",
            (house.property.id, house.room_types["double"].id),
        ).fetchall()


def read_then_write(*, property_id: object, change: StockChange) -> None:
    """What a programmer writes who has not met two guests at once: look, think, then write what was seen."""
    lines = change.net()
    with sql() as cursor:
        seen = {}
        for room_type_id, night, _, _ in lines:
            rooms, sold = cursor.execute(
                "SELECT rooms, sold FROM inventory_stockday WHERE property_id = %s AND room_type_id = %s AND day = %s",
                (property_id, room_type_id, night),
            ).fetchone()
            if rooms - sold < 1:
                raise SoldOut(nights=[(room_type_id, night)])
            seen[room_type_id, night] = sold
        time.sleep(0.05)
        for (room_type_id, night), sold in seen.items():
            cursor.execute(
                "UPDATE inventory_stockday SET sold = %s WHERE property_id = %s AND room_type_id = %s AND day = %s",
                (sold + 1, property_id, room_type_id, night),
            )


def test_reading_first_and_writing_later_sells_the_last_room_twice(address: str, monkeypatch: pytest.MonkeyPatch):
    """Shows that the next test can fail."""
    monkeypatch.setattr(import_module("innsync.apps.reservations.services.book"), "change_stock", read_then_write)
    answers = all_at_once(address, sample_house(rooms=1), arrive=5)
    assert sum(one.status_code == 201 for one in answers) > 1


@pytest.mark.parametrize("rooms", [1, 5])
def test_no_more_rooms_are_sold_than_there_are(address: str, rooms: int):
    house = sample_house(rooms=rooms)
    for turn in range(ROUNDS):
        answers = all_at_once(address, house, arrive=5 + 5 * turn)
        statuses = Counter(one.status_code for one in answers)
        assert statuses == {201: rooms, 409: GUESTS - rooms}, statuses
        assert {one.json()["type"] for one in answers if one.status_code == 409} == {"/problems/sold-out"}
    assert all(sold <= total and oversold == 0 for total, sold, oversold in counts(house))
    assert sum(sold for _, sold, _ in counts(house)) == rooms * 3 * ROUNDS


def test_a_guest_who_waits_too_long_for_a_lock_is_asked_to_come_again(address: str):
    """The ceiling is the lock_timeout of five seconds; the answer is a clean 503, and nothing was written."""
    house = sample_house(rooms=2)
    held, release = threading.Event(), threading.Event()

    def slow() -> None:
        with tenant(house.organization_id), sql() as cursor:
            cursor.execute("SELECT 1 FROM inventory_stockday WHERE property_id = %s FOR UPDATE", (house.property.id,))
            held.set()
            release.wait(120)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        assert held.wait(60)
        with calling(address, house.secret) as client:
            started = time.monotonic()
            answer = client.post("/bookings", json=house.booking())
            waited = time.monotonic() - started
    finally:
        release.set()
        thread.join(60)
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1
    assert 4.5 < waited < 60
    assert sum(sold for _, sold, _ in counts(house)) == 0
