"""What is done about bookings behind the scenes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from django.db import connection
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events.relay import Entry, handles
from innsync.apps.reservations import services


@app.task(name="assign_rooms", retry=RetryStrategy(max_attempts=5, exponential_wait=2))
def assign_rooms(organization_id: str, property_id: str, first: str, last: str) -> None:
    try:
        with tenant(UUID(organization_id)):
            services.assign_rooms(
                property_id=UUID(property_id), first=date.fromisoformat(first), last=date.fromisoformat(last)
            )
    finally:
        connection.close()


@handles("expire_holds")
def expire_holds(organization_id: UUID, entries: Sequence[Entry]) -> None:
    """Give back the rooms of holds whose time has come. A hold that was used or released meanwhile is left alone."""
    services.expire_holds(organization_id=organization_id, now=datetime.now(UTC))
