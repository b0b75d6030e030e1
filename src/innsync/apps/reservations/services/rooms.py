"""Physical rooms out of use and back: row, count, the guests who were to sleep there, and what follows, all or nothing.

Every function works inside `tenant(...)` and commits or vanishes with it. Whoever has such a room before arrival is given
another by the next assignment; where none of the type is left, the nights are oversold and a conflict is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import services as events
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.inventory.services import change_out_of_order, lock_rooms, lock_rooms_of, recount_rooms
from innsync.apps.properties import services as properties
from innsync.apps.properties.models import Property, Room, RoomType
from innsync.domain.booking_state import BookingStatus
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.wording import told

ASSIGN_AHEAD = timedelta(days=14)
"""How long before the arrival a stay gets its room: until then only how many rooms are sold is known."""


@dataclass(eq=False)
class UnknownRoom(DomainError):
    """No room, room type or block of rooms out of order of this organization has that id."""

    id: str


@dataclass(eq=False)
class RoomOccupied(DomainError):
    """A guest is in the room on some of these nights: they are moved or leave before it goes out of use."""

    room: str
    booking: str
    check_out: date


@dataclass(eq=False)
class RoomOutOfOrder(DomainError):
    """The room is out of order already on some of these nights: from `first` to `last`, both included."""

    room: str
    first: date
    last: date


def put_out_of_order(
    *,
    organization_id: UUID,
    room_type_id: UUID,
    first: date,
    last: date,
    now: datetime,
    room_id: UUID | None = None,
    reason: str = "",
) -> OutOfOrder:
    """Let the room not be sold from first to last, both included; without `room_id`, one of its type, whichever it is.

    Raises UnknownRoom, RoomOccupied, RoomOutOfOrder, InvalidField.
    """
    room_type = _room_type(organization_id, room_type_id)
    today = _today(room_type.property, now)
    if first < today:
        raise InvalidField(field="/first", problem="must be today at the property or later")
    if last < first:
        raise InvalidField(field="/last", problem="must not be before the first night")
    vacated = False
    if room_id is not None:
        _alone(room_type.property_id)
        room = _room(organization_id, room_id)
        if room.room_type_id != room_type.id:
            raise UnknownRoom(id=str(room_id))
        if room.retired_from is not None and room.retired_from <= last:
            raise InvalidField(field="/last", problem=f"must be before the room retires on {room.retired_from}")
        _refuse_twice(room, first, last)
        vacated = _vacate(room, first, last, today)
    lock_rooms(room_type_id=room_type.id)
    block = OutOfOrder.objects.create(
        organization_id=organization_id,
        property_id=room_type.property_id,
        room_type=room_type,
        room_id=room_id,
        first=first,
        last=last,
        reason=reason,
    )
    change_out_of_order(property_id=room_type.property_id, room_type_id=room_type.id, first=first, last=last, rooms=1)
    _tell(room_type, [(room_type.id, first, last)], told("room out of order"), vacated, today)
    return block


def release_out_of_order(*, organization_id: UUID, out_of_order_id: UUID, now: datetime) -> OutOfOrder:
    """Let it be sold again. Raises UnknownRoom, also for what was released before."""
    known = OutOfOrder.objects.filter(id=out_of_order_id, organization_id=organization_id).first()
    if known is None:
        raise UnknownRoom(id=str(out_of_order_id))
    room_type = _room_type(organization_id, known.room_type_id)
    lock_rooms(room_type_id=room_type.id)
    block = OutOfOrder.objects.filter(id=known.id, released_at__isnull=True).first()
    if block is None:
        raise UnknownRoom(id=str(out_of_order_id))
    block.released_at = now
    block.save(update_fields=["released_at"])
    change_out_of_order(
        property_id=block.property_id, room_type_id=room_type.id, first=block.first, last=block.last, rooms=-1
    )
    _tell(
        room_type,
        [(room_type.id, block.first, block.last)],
        told("room back in order"),
        False,
        _today(room_type.property, now),
    )
    return block


def add_rooms(*, organization_id: UUID, room_type_id: UUID, names: Sequence[str], now: datetime) -> list[Room]:
    """Further rooms of a type, let from today on. Raises UnknownRoom; InvalidField for a name that is used already."""
    room_type = _room_type(organization_id, room_type_id)
    lock_rooms(room_type_id=room_type.id)
    used = set(Room.objects.filter(property_id=room_type.property_id, name__in=names).values_list("name", flat=True))
    for index, name in enumerate(names):
        if name in used:
            raise InvalidField(field=f"/names/{index}", problem="must be a name that no room of the property has")
        used.add(name)
    made = properties.add_rooms(room_type=room_type, names=names)
    today = _today(room_type.property, now)
    spans = recount_rooms(property_id=room_type.property_id, room_type_id=room_type.id, first=today)
    _tell(room_type, spans, told("rooms added"), False, today)
    return made


def retire_room(*, organization_id: UUID, room_id: UUID, from_day: date, now: datetime) -> Room:
    """Let the room no more from that night on. What it was out of order for from then on ends with it.

    Raises UnknownRoom, RoomOccupied; InvalidField for a day that is over.
    """
    room = _room(organization_id, room_id)
    room_type = _room_type(organization_id, room.room_type_id)
    today = _today(room_type.property, now)
    if from_day < today:
        raise InvalidField(field="/from_day", problem="must be today at the property or later")
    _alone(room.property_id)
    vacated = _vacate(room, from_day, None, today)
    lock_rooms(room_type_id=room_type.id)
    _end_blocks(room, from_day, now)
    former = room.retired_from
    room.retired_from = from_day
    room.save(update_fields=["retired_from"])
    first = min(from_day, former) if former else from_day
    spans = recount_rooms(property_id=room.property_id, room_type_id=room_type.id, first=max(first, today))
    _tell(room_type, spans, told("room retired"), vacated, today)
    return room


def let_again(*, organization_id: UUID, room_id: UUID, now: datetime) -> Room:
    """Let a retired room again, from today on. Raises UnknownRoom."""
    room = _room(organization_id, room_id)
    room_type = _room_type(organization_id, room.room_type_id)
    lock_rooms(room_type_id=room_type.id)
    room.retired_from = None
    room.save(update_fields=["retired_from"])
    today = _today(room_type.property, now)
    spans = recount_rooms(property_id=room.property_id, room_type_id=room_type.id, first=today)
    _tell(room_type, spans, told("rooms added"), False, today)
    return room


def _room_type(organization_id: UUID, room_type_id: UUID) -> RoomType:
    found = RoomType.objects.select_related("property").filter(id=room_type_id, organization_id=organization_id).first()
    if found is None:
        raise UnknownRoom(id=str(room_type_id))
    return found


def _room(organization_id: UUID, room_id: UUID) -> Room:
    found = Room.objects.filter(id=room_id, organization_id=organization_id).first()
    if found is None:
        raise UnknownRoom(id=str(room_id))
    return found


def _today(prop: Property, now: datetime) -> date:
    return now.astimezone(ZoneInfo(prop.time_zone)).date()


def _alone(property_id: UUID) -> None:
    """Nobody is given the room while it goes out of use."""
    lock_rooms_of(property_id=property_id)


def _refuse_twice(room: Room, first: date, last: date) -> None:
    block = OutOfOrder.objects.filter(room=room, released_at__isnull=True, first__lte=last, last__gte=first).first()
    if block is not None:
        raise RoomOutOfOrder(room=room.name, first=block.first, last=block.last)


# The bookings are locked as whoever changes them does, before anything is counted.
_IN_ROOM = """
SELECT s.id, s.check_in, s.check_out, b.status, b.code
FROM reservations_booking b JOIN reservations_roomstay s ON s.booking_id = b.id
JOIN reservations_heldroom h ON h.room_stay_id = s.id
WHERE h.room_id = %(room)s AND b.status <> 'checked_out' AND h.nights && daterange(%(first)s, %(last)s, '[]')
ORDER BY b.id FOR NO KEY UPDATE OF b
"""


def _vacate(room: Room, first: date, last: date | None, today: date) -> bool:
    """Take the room from whoever has it on these nights and has not arrived. Answers whether somebody had. Raises RoomOccupied."""
    with sql() as cursor:
        stays = cursor.execute(_IN_ROOM, {"room": room.id, "first": first, "last": last}).fetchall()
        going: list[UUID] = []
        for stay_id, check_in, check_out, status, code in stays:
            # A hotel that records no check-ins has guests in house by the calendar.
            if status == BookingStatus.CHECKED_IN or (check_in < today and status != BookingStatus.NO_SHOW):
                raise RoomOccupied(room=room.name, booking=code, check_out=check_out)
            going.append(stay_id)
        cursor.execute(
            "UPDATE reservations_roomstay SET room_id = NULL, moves_on = NULL, next_room_id = NULL, pinned = false"
            " WHERE id = ANY(%s)",
            (going,),
        )
    return bool(going)


def _end_blocks(room: Room, from_day: date, now: datetime) -> None:
    for block in OutOfOrder.objects.filter(room=room, released_at__isnull=True, last__gte=from_day):
        first, last = max(block.first, from_day), block.last
        if block.first >= from_day:
            block.released_at = now
        else:
            block.last = from_day - timedelta(days=1)
        block.save(update_fields=["released_at", "last"])
        change_out_of_order(
            property_id=room.property_id, room_type_id=room.room_type_id, first=first, last=last, rooms=-1
        )


def _tell(
    room_type: RoomType, spans: Sequence[tuple[UUID, date, date]], cause: str, vacated: bool, today: date
) -> None:
    if spans:
        events.ari_changed(
            organization_id=room_type.organization_id, property_id=room_type.property_id, ari=spans, cause=cause
        )
    if vacated:
        events.enqueue(
            organization_id=room_type.organization_id,
            property_id=room_type.property_id,
            topic="assign_rooms",
            payload={"first": today.isoformat(), "last": (today + ASSIGN_AHEAD).isoformat()},
        )
