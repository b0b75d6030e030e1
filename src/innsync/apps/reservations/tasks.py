"""What is done about bookings behind the scenes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events.jobs import A_FEW_TIMES, job
from innsync.apps.events.relay import Entry, handles
from innsync.apps.reservations import services


@job("assign_rooms", retry=A_FEW_TIMES)
def assign_rooms(organization_id: UUID, property_id: UUID, first: str, last: str) -> None:
    with tenant(organization_id):
        services.assign_rooms(
            organization_id=organization_id,
            property_id=property_id,
            first=date.fromisoformat(first),
            last=date.fromisoformat(last),
            now=datetime.now(UTC),
        )


@handles("expire_holds")
def expire_holds(organization_id: UUID, entries: Sequence[Entry]) -> None:
    """Give back the rooms of holds whose time has come. A hold that was used or released meanwhile is left alone."""
    services.expire_holds(organization_id=organization_id, now=datetime.now(UTC))
