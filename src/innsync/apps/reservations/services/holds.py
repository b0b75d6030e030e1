"""Rooms kept while a guest checks out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import services as events
from innsync.apps.inventory.services import change_stock, end_hold, hold_rooms, lock_types
from innsync.apps.rates.selectors import House
from innsync.domain.stay import StayDates
from innsync.domain.wording import told

HOLD_FOR = timedelta(minutes=10)


def place_hold(
    *, house: House, stay: StayDates, rooms: Mapping[UUID, int], now: datetime, keep_for: timedelta = HOLD_FOR
) -> tuple[UUID, datetime]:
    """Keep rooms (type -> count) off sale everywhere. Answers the hold's id and its end. Raises SoldOut."""
    expires_at = now + keep_for
    hold_id, change = hold_rooms(
        organization_id=house.organization_id,
        property_id=house.id,
        stay=stay,
        rooms=rooms,
        now=now,
        expires_at=expires_at,
    )
    events.ari_changed(
        organization_id=house.organization_id, property_id=house.id, ari=change.touched(), cause=told("rooms on hold")
    )
    events.enqueue(
        organization_id=house.organization_id,
        property_id=house.id,
        topic="expire_holds",
        payload={"hold_id": str(hold_id)},
        due_at=expires_at,
    )
    return hold_id, expires_at


def release_hold(*, organization_id: UUID, property_id: UUID, hold_id: UUID, state: str = "released") -> None:
    """Give a hold's rooms back. Raises HoldGone when it is not active any more."""
    change = end_hold(property_id=property_id, hold_id=hold_id, state=state)
    change_stock(property_id=property_id, change=change)
    events.ari_changed(
        organization_id=organization_id, property_id=property_id, ari=change.touched(), cause=told(f"hold {state}")
    )


def expire_holds(*, organization_id: UUID, now: datetime) -> int:
    """Give back the rooms of every hold whose time has passed. Answers how many.

    The types of all of them are locked before the first is given back: taken hold by hold, out of their order, they
    and a booking of two types would wait for each other.
    """
    with sql() as cursor:
        due = cursor.execute(
            "SELECT id, property_id, rooms FROM inventory_hold WHERE state = 'active' AND expires_at <= %s"
            " ORDER BY id LIMIT 200 FOR UPDATE SKIP LOCKED",
            (now,),
        ).fetchall()
        lock_types(cursor, {UUID(room_type_id) for _, _, rooms in due for room_type_id in rooms})
    for hold_id, property_id, _ in due:
        release_hold(organization_id=organization_id, property_id=property_id, hold_id=hold_id, state="expired")
    return len(due)
