from __future__ import annotations

from datetime import timedelta

import httpx

from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.tenancy import sql, tenant


def sold(house: SampleHouse, room: str, offset: int) -> int:
    with tenant(house.organization_id), sql() as cursor:
        row = cursor.execute(
            "SELECT sold FROM inventory_stockday WHERE property_id = %s AND room_type_id = %s AND day = %s",
            (house.property.id, house.room_types[room].id, house.today + timedelta(days=offset)),
        ).fetchone()
    return row[0]


def test_a_booking_is_made_and_read_again(client: httpx.Client, house: SampleHouse):
    made = client.post("/bookings", json=house.booking(external_id="W-77", special_requests="A quiet room,\nplease"))
    assert made.status_code == 201, made.text
    booking = made.json()
    assert booking["status"] == "confirmed"
    assert booking["channel"] == "direct"
    assert booking["nights"] == 2
    # two nights, city tax for two persons and two nights, cleaning
    assert booking["total"] == {"amount": "238.00", "currency": "EUR"}
    assert [night["amount"] for night in booking["rooms"][0]["nightly"]] == ["100.00", "100.00"]
    assert booking["guest"]["name"] == "Sarah Johnson"
    assert booking["version"] == 1
    assert booking["sync"] == {}
    assert made.headers["ETag"] == '"1"'
    read = client.get(f"/bookings/{booking['booking_id']}")
    assert read.json() == booking
    assert made.headers["Location"].endswith(booking["booking_id"])
    assert [sold(house, "double", night) for night in (9, 10, 11, 12)] == [0, 1, 1, 0]
