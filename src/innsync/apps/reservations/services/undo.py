"""Taking back what was just done on the chart, as long as nothing else happened since.

What a booking was is remembered whole, prices and terms included: to undo is not to change once more at the price of today.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.inventory.services import StockChange, lock_rooms_of
from innsync.apps.rates.promotions import count_uses
from innsync.apps.rates.selectors import House
from innsync.apps.reservations import records
from innsync.apps.reservations.refusals import NotChangeable, StaleVersion
from innsync.apps.reservations.services.assign import tell_assigned
from innsync.apps.reservations.services.modify import exchange
from innsync.apps.reservations.services.place import (
    MOVABLE,
    Part,
    alone,
    parts_of,
    refuse_part,
    refuse_unless_free,
    rooms_words,
)
from innsync.apps.reservations.services.telling import tell
from innsync.domain.booking_state import BookingStatus
from innsync.domain.difference import FieldChange
from innsync.domain.stay import StayDates
from innsync.domain.wording import told

_IDS = ("id", "room_type_id", "rate_plan_id", "room_id", "next_room_id", "sold_room_type_id", "promotion_id")
_DAYS = ("check_in", "check_out", "moves_on")


def remember(record: records.Record) -> dict[str, Any]:
    """All of a booking that its arrangement can change, as plain JSON."""
    return {
        "check_in": record.check_in.isoformat(),
        "check_out": record.check_out.isoformat(),
        "total_minor": record.total_minor,
        "charges": record.charges,
        "terms": record.terms,
        "stays": [
            {
                name: None
                if (value := getattr(stay, name)) is None
                else str(value)
                if name in (*_IDS, *_DAYS)
                else value
                for name in records.Stay.__slots__
            }
            for stay in record.stays
        ],
    }


def put_back(
    *, house: House, booking_id: UUID, remembered: Mapping[str, Any], expected_version: int, now: datetime, actor: str
) -> records.Record:
    """Let the booking be arranged as it was remembered. expected_version: the one that the change to take back made.

    Raises StaleVersion when anything was changed since, NotChangeable, SoldOut, RoomTaken, RoomOutOfOrder; then nothing
    has changed. PromotionUsedUp where another booking has the last use of one by now.
    """
    record = alone(booking_id)
    if record.version != expected_version:
        raise StaleVersion(current=record.version)
    if BookingStatus(record.status) not in MOVABLE:
        raise NotChangeable(status=record.status, action="move")
    before, had = records.snapshot(record), record.promotions
    words = {stay.id: rooms_words(stay) for stay in record.stays}
    change = StockChange()
    for stay in record.stays:
        if stay.holds_stock:
            change.free(stay.room_type_id, StayDates(stay.check_in, stay.check_out))
    _restore(record, remembered)
    for stay in record.stays:
        if stay.holds_stock:
            change.sell(stay.room_type_id, StayDates(stay.check_in, stay.check_out))
    count_uses(more=record.promotions, fewer=had)
    touched = exchange(house.id, change, house.today(now))
    _leave_rooms(record)
    for stay in record.stays:
        refuse_unless_free(record, stay, parts_of(stay))
    record.updated_at = now
    moved = [
        FieldChange(f"/rooms/id={stay.id}/number", words.get(stay.id) or None, rooms_words(stay) or None)
        for stay in record.stays
        if words.get(stay.id, "") != rooms_words(stay)
    ]
    records.update(record, before=before, actor=actor, action="undone", also=moved)
    tell(record, now=now, touched=touched, cause=told(f"change of booking {record.code}"))
    return record


def _restore(record: records.Record, remembered: Mapping[str, Any]) -> None:
    record.check_in = date.fromisoformat(remembered["check_in"])
    record.check_out = date.fromisoformat(remembered["check_out"])
    record.total_minor = remembered["total_minor"]
    record.charges, record.terms = remembered["charges"], remembered["terms"]
    record.stays = [
        records.Stay(**{name: _read(name, value) for name, value in one.items()}) for one in remembered["stays"]
    ]


def _read(name: str, value: Any) -> Any:
    if value is None:
        return None
    return UUID(value) if name in _IDS else date.fromisoformat(value) if name in _DAYS else value


def _leave_rooms(record: records.Record) -> None:
    """Before its rooms are taken anew: within one statement they would stand in each other's way."""
    with sql() as cursor:
        cursor.execute(
            "UPDATE reservations_roomstay SET room_id = NULL, moves_on = NULL, next_room_id = NULL WHERE booking_id = %s",
            (record.id,),
        )


def rooms_now(*, property_id: UUID, first: date, last: date) -> dict[UUID, UUID | None]:
    """Which room each stay of these nights has, before rooms are assigned to them. Nobody else assigns any until the
    transaction ends."""
    lock_rooms_of(property_id=property_id)
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT id, room_id FROM reservations_roomstay"
            " WHERE property_id = %s AND holds_stock AND check_out > %s AND check_in <= %s",
            (property_id, first, last),
        ).fetchall()
    return dict(rows)


# The bookings by id, as whoever changes bookings takes them.
_LOCK = """
SELECT b.id FROM reservations_booking b
WHERE b.id IN (SELECT booking_id FROM reservations_roomstay WHERE id = ANY(%s)) ORDER BY b.id FOR NO KEY UPDATE
"""


def take_back_assignment(
    *,
    organization_id: UUID,
    property_id: UUID,
    given: Mapping[UUID, tuple[UUID | None, UUID | None]],
    now: datetime,
) -> int:
    """Let these stays have the rooms that they had; given: for each the room that it was given, and the one before.

    Answers how many. Raises StaleVersion when any of them was moved since, or is gone; RoomTaken, RoomOutOfOrder and
    UnknownRoom when one of the rooms is no longer theirs to have. Then nothing is taken back once the transaction is undone.
    """
    lock_rooms_of(property_id=property_id)
    with sql() as cursor:
        cursor.execute(_LOCK, (list(given),))
        rows = cursor.execute(
            "SELECT id, room_id, check_in, check_out FROM reservations_roomstay"
            " WHERE id = ANY(%s) AND property_id = %s AND holds_stock AND moves_on IS NULL AND NOT pinned",
            (list(given), property_id),
        ).fetchall()
        if {stay: room for stay, room, _first, _last in rows} != {
            stay: room for stay, (room, _before) in given.items()
        }:
            raise StaleVersion(current=0)
        cursor.execute("UPDATE reservations_roomstay SET room_id = NULL WHERE id = ANY(%s)", (list(given),))
        had = [(stay, before) for stay, (_room, before) in given.items() if before is not None]
        dates = {stay: (first, last) for stay, _room, first, last in rows}
        for stay, room in had:
            refuse_part(property_id=property_id, stay_id=stay, part=Part(room, *dates[stay]))
        cursor.execute(
            "UPDATE reservations_roomstay s SET room_id = n.room_id"
            " FROM unnest(%s::uuid[], %s::uuid[]) AS n(id, room_id) WHERE s.id = n.id",
            ([stay for stay, _ in had], [room for _, room in had]),
        )
    if given:
        tell_assigned(organization_id, property_id, len(given), now)
    return len(given)
