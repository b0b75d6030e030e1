"""What the tests of the calendar share: stays in rooms, rows of an answer, and doing something on the chart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Room
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import RoomStay
from innsync.apps.reservations.records import Record
from innsync.apps.reservations.services.rooms import add_rooms
from innsync.portals.admin.calendar import chart
from innsync.portals.tests.house import House

HX = {"HTTP_HX_REQUEST": "true"}


def text(answer: Any) -> str:
    return answer.content.decode()


def stay_of(house: House, booking: Record) -> RoomStay:
    with tenant(house.organization.id):
        return RoomStay.objects.select_related("room", "booking").get(booking_id=booking.id)


def stay_named(house: House, guest: str) -> RoomStay:
    with tenant(house.organization.id):
        return RoomStay.objects.select_related("room", "booking").get(booking__guest_name=guest)


def room(house: House, name: str) -> Room:
    with tenant(house.organization.id):
        return Room.objects.get(name=name)


def add_room(house: House, kind: str, name: str) -> Room:
    with tenant(house.organization.id):
        return add_rooms(
            organization_id=house.organization.id,
            room_type_id=house.types[kind].id,
            names=[name],
            now=datetime.now(UTC),
        )[0]


def put_into(house: House, booking: Record, name: str) -> None:
    with tenant(house.organization.id):
        reservations.place_stay(
            organization_id=house.organization.id,
            booking_id=booking.id,
            room_stay_id=booking.stays[0].id,
            room_id=Room.objects.get(name=name).id,
            now=datetime.now(UTC),
            actor="test",
        )


def cancel(house: House, booking: Record) -> None:
    with tenant(house.organization.id):
        reservations.cancel(
            house=get_house(organization_id=house.organization.id, key=house.property.id),
            booking_id=booking.id,
            now=datetime.now(UTC),
            actor="test",
        )


def rows(answer: Any) -> dict[str, chart.Row]:
    """By the room's name; the stays without one by their type's."""
    return {
        row.room.name if row.room else f"waiting {one.type.code}": row
        for one in answer.context["slices"]
        for row in ([one.waiting] if one.waiting else []) + one.rows
    }


def day(house: House, offset: int) -> str:
    return (house.today + timedelta(days=offset)).isoformat()


def act(client: Client, path: str, **fields: Any) -> str:
    """Do it, and what is said about it on the calendar that one comes back to."""
    answer = client.post(path, fields, follow=True)
    assert answer.redirect_chain[0][1] == 303
    assert answer.request["PATH_INFO"] == "/calendar"
    (message,) = answer.context["messages"]
    return str(message)
