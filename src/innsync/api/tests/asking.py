"""What an answer of the API, or the house behind it, says."""

from __future__ import annotations

from datetime import timedelta

import httpx

from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.reservations.models import Booking


def sold(house: SampleHouse, room: str, *nights: int) -> list[int]:
    """Rooms sold on these nights, counted from today."""
    with tenant(house.organization_id), sql() as cursor:
        rows = dict(
            cursor.execute(
                "SELECT day, sold FROM inventory_stockday WHERE property_id = %s AND room_type_id = %s",
                (house.property.id, house.room_types[room].id),
            ).fetchall()
        )
    return [rows[house.today + timedelta(days=night)] for night in nights]


def bookings_of(house: SampleHouse) -> int:
    with tenant(house.organization_id):
        return Booking.objects.count()


def problem(response: httpx.Response) -> dict[str, object]:
    """The problem document; every refusal must be one."""
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert body["instance"] == response.headers["X-Request-Id"]
    return body


def pointers(response: httpx.Response, status: int = 422) -> list[str]:
    assert response.status_code == status, response.text
    return [one["pointer"] for one in problem(response)["errors"]]
