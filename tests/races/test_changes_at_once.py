"""Two changes of one booking at the same moment: each takes what it leaves out from what the other made."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from django.db import connection

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling, served
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import services as reservations
from innsync.domain.stay import StayDates


@pytest.fixture
def house(database: str) -> SampleHouse:
    return sample_house()


@pytest.fixture
def client(house: SampleHouse) -> Iterator[httpx.Client]:
    with served() as address, calling(address, house.secret) as found:
        yield found


def test_a_later_departure_keeps_the_arrival_that_was_moved_meanwhile(client: httpx.Client, house: SampleHouse) -> None:
    made = client.post("/bookings", json=house.booking(arrive=10, nights=4)).json()
    answers: list[httpx.Response] = []
    change = {"check_out": house.day(16)}
    other = threading.Thread(target=lambda: answers.append(client.put(f"/bookings/{made['booking_id']}", json=change)))
    arrival = house.today + timedelta(days=12)
    with tenant(house.organization_id):
        reservations.modify(
            house=get_house(organization_id=house.organization_id, key=house.property.id),
            booking_id=made["booking_id"],
            now=datetime.now(UTC),
            actor="desk",
            stay=StayDates(arrival, house.today + timedelta(days=14)),
        )
        other.start()
        time.sleep(0.5)  # the other has read the booking, or waits for it
    other.join(10)
    connection.close()
    assert answers[0].status_code == 200
    assert (answers[0].json()["check_in"], answers[0].json()["check_out"]) == (house.day(12), house.day(16))
