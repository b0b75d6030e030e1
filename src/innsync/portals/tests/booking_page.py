"""What a booking’s page says, and what is posted about it."""

from __future__ import annotations

from typing import Any

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.vault import unseal
from innsync.apps.reservations.models import Booking
from innsync.portals.tests.house import House


def text(answer: Any) -> str:
    return answer.content.decode()


def said(answer: Any) -> str:
    return "; ".join(str(one) for one in answer.context["messages"])


def booking(house: House, **which: Any) -> Booking:
    with tenant(house.organization.id):
        return Booking.objects.get(**which)


def mails() -> list[dict[str, str]]:
    """The letters that wait to be carried out, the oldest first."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'deliver_mail' AND status = 'todo' ORDER BY id"
        ).fetchall()
    return [unseal(row[0]["sealed"].encode()) for row in rows]


DETAILS = {
    "name": "Ada Lovelace",
    "email": "ada@lovelace.example",
    "phone": "+44 20 1",
    "language": "ja",
    "country": "gb",
    "arrival_time": "18:30",
    "special_requests": "Late arrival",
    "notes": "VIP <b>",
}
