"""The event of a booking, and with it the word to the channels about the nights that it takes or gives back."""

from __future__ import annotations

from datetime import datetime

from innsync.apps.events import services as events
from innsync.apps.events.services import Touched
from innsync.apps.reservations import records


def tell(
    record: records.Record,
    *,
    now: datetime,
    event: str = "booking.updated",
    touched: Touched = (),
    cause: str = "",
    **more: str,
) -> None:
    """touched, cause: the nights of which rooms are taken or given back, and why. more: what the event says besides."""
    events.record(
        organization_id=record.organization_id,
        property_id=record.property_id,
        type=event,
        at=now,
        data={"booking_id": str(record.id), "code": record.code, "channel": record.channel, **more},
        ari=touched,
        cause=cause,
    )
    if not touched:  # else the word about the nights brings this along
        events.enqueue(
            organization_id=record.organization_id, property_id=record.property_id, topic="booking_changed", payload={}
        )
