"""Whose booking it is, told anew."""

from __future__ import annotations

import httpx
import pytest

from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.reservations.models import Booking

ADA = {"name": "Ada Lovelace", "email": "ada@guest.example", "phone": "+44 20 7946 0000"}


def test_a_changed_guest_says_country_and_language_anew(client: httpx.Client, house: SampleHouse):
    made = client.post("/bookings", json=house.booking(guest=ADA)).json()
    path = f"/bookings/{made['booking_id']}"
    assert (made["guest"]["country"], made["guest"]["language"]) == ("", "")
    changed = client.put(path, json={"guest": ADA | {"country": "DE", "language": "de"}}).json()
    assert (changed["guest"]["country"], changed["guest"]["language"]) == ("DE", "de")
    again = client.put(path, json={"guest": ADA | {"country": "AT"}}).json()
    assert (again["guest"]["country"], again["guest"]["language"]) == ("AT", "de"), "saying nothing takes nothing back"
    assert client.get(path).json()["guest"] == again["guest"]


def test_a_returning_guest_says_country_and_language_anew(client: httpx.Client, house: SampleHouse):
    client.post("/bookings", json=house.booking(guest=ADA))
    made = client.post("/bookings", json=house.booking(guest=ADA | {"country": "GB", "language": "en"}, arrive=20))
    assert (made.json()["guest"]["country"], made.json()["guest"]["language"]) == ("GB", "en")


def guest_ids(house: SampleHouse) -> dict[str, object]:
    with tenant(house.organization_id):
        return {str(one.id): one.guest_id for one in Booking.objects.all()}


@pytest.mark.parametrize(
    ("guest", "same"),
    [
        (ADA | {"phone": "+44 20 7946 0999", "country": "GB"}, True),
        (ADA | {"name": "Ada King Lovelace", "country": "GB"}, True),
        ({"name": "Charles Babbage", "email": "charles@guest.example", "country": "FR"}, False),
        (ADA | {"name": "Charles Babbage", "country": "FR"}, False),  # a couple shares a mailbox
        (ADA | {"email": "another.ada@guest.example", "country": "FR"}, False),  # a namesake
    ],
)
def test_a_booking_handed_on_to_somebody_else_leaves_the_former_guest_alone(
    client: httpx.Client, house: SampleHouse, guest: dict[str, str], same: bool
):
    handed_on, kept = (
        client.post("/bookings", json=house.booking(guest=ADA | {"country": "GB"}, arrive=arrive)).json()["booking_id"]
        for arrive in (10, 20)
    )
    before = guest_ids(house)
    assert before[handed_on] == before[kept]
    changed = client.put(f"/bookings/{handed_on}", json={"guest": guest})
    assert changed.status_code == 200, changed.text
    after = guest_ids(house)
    assert (after[handed_on] == before[handed_on]) is same
    assert after[kept] == before[kept]
    assert changed.json()["guest"]["name"] == guest["name"]
    assert changed.json()["guest"]["country"] == guest["country"]
    still = client.get(f"/bookings/{kept}").json()["guest"]
    assert (still["name"], still["country"]) == ("Ada Lovelace", "GB")


def test_a_booking_handed_on_to_a_known_guest_becomes_theirs(client: httpx.Client, house: SampleHouse):
    charles = {"name": "Charles Babbage", "email": "charles@guest.example", "country": "FR"}
    theirs = client.post("/bookings", json=house.booking(guest=charles, arrive=20)).json()["booking_id"]
    handed_on = client.post("/bookings", json=house.booking(guest=ADA)).json()["booking_id"]
    changed = client.put(f"/bookings/{handed_on}", json={"guest": charles | {"country": ""}})
    assert changed.json()["guest"]["country"] == "FR"
    assert guest_ids(house)[handed_on] == guest_ids(house)[theirs]


def test_a_guest_without_an_address_stays_the_same_one_under_the_same_name(client: httpx.Client, house: SampleHouse):
    made = client.post("/bookings", json=house.booking(guest={"name": "Ada Lovelace"})).json()["booking_id"]
    before = guest_ids(house)
    changed = client.put(f"/bookings/{made}", json={"guest": {"name": "Ada Lovelace", "country": "GB"}})
    assert changed.json()["guest"]["country"] == "GB"
    assert guest_ids(house) == before
