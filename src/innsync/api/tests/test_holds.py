"""A room that is kept for a booking to come."""

from __future__ import annotations

import httpx

from innsync.api.tests.asking import problem
from innsync.api.tests.samples import sample_house
from innsync.api.tests.serving import calling


def test_a_hold_keeps_the_room_for_its_booking(client: httpx.Client, address: str):
    house = sample_house(rooms=1)
    with calling(address, house.secret) as client:
        body = {"hotel_id": house.property.code, "check_in": house.day(10), "check_out": house.day(12)}
        held = client.post("/holds", json=body | {"rooms": [{"room_type_id": "double"}]})
        assert held.status_code == 201, held.text
        assert client.post("/bookings", json=house.booking()).status_code == 409
        made = client.post("/bookings", json=house.booking(hold_id=held.json()["hold_id"]))
        assert made.status_code == 201, made.text
        used = client.post("/bookings", json=house.booking(arrive=20, hold_id=held.json()["hold_id"]))
        assert used.status_code == 409
        assert problem(used)["type"] == "/problems/hold-gone"


def test_a_hold_given_back_frees_the_room(address: str):
    house = sample_house(rooms=1)
    with calling(address, house.secret) as client:
        body = {"hotel_id": house.property.code, "check_in": house.day(10), "check_out": house.day(12)}
        held = client.post("/holds", json=body | {"rooms": house.booking()["rooms"]}).json()
        assert client.delete(f"/holds/{held['hold_id']}").status_code == 204
        assert problem(client.delete(f"/holds/{held['hold_id']}"))["type"] == "/problems/hold-gone"
        assert client.post("/bookings", json=house.booking()).status_code == 201
