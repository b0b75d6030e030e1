"""A stay's rooms as a person at the desk arranges them: which one, another in mid-stay, and whether it may be moved.

Every function works inside `tenant(...)` and commits or vanishes with it. Which room a stay has is no part of what was
sold: nobody is charged for it, and no channel is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.inventory.services import lock_rooms_of
from innsync.apps.reservations import records
from innsync.apps.reservations.refusals import NotChangeable, RoomTaken
from innsync.apps.reservations.services.modify import move_room_stay
from innsync.apps.reservations.services.rooms import RoomOutOfOrder, UnknownRoom
from innsync.apps.reservations.services.telling import tell
from innsync.domain.booking_state import HOLDS_STOCK, BookingStatus
from innsync.domain.difference import FieldChange
from innsync.domain.errors import DomainError, InvalidField

MOVABLE = HOLDS_STOCK - {BookingStatus.CHECKED_OUT}
"""Who is gone slept where they slept."""


@dataclass(eq=False)
class OtherType(DomainError):
    """In mid-stay the guest moves only to a room of the type that the stay is held in: the other night's count follows it."""

    room: str


@dataclass(frozen=True, slots=True)
class Part:
    """Nights of a stay in one room, `last` being the morning on which they end."""

    room_id: UUID
    first: date
    last: date


def parts_of(stay: records.Stay) -> list[Part]:
    """Where the guest sleeps, in order: none without a room, two where they change rooms."""
    if stay.room_id is None:
        return []
    if stay.moves_on is None or stay.next_room_id is None:
        return [Part(stay.room_id, stay.check_in, stay.check_out)]
    return [Part(stay.room_id, stay.check_in, stay.moves_on), Part(stay.next_room_id, stay.moves_on, stay.check_out)]


def place_stay(
    *, organization_id: UUID, booking_id: UUID, room_stay_id: UUID, room_id: UUID | None, now: datetime, actor: str
) -> records.Record:
    """Give the stay that room throughout, at the price agreed also where its type is another; None: take its room away.

    Automatic assignment gives a stay without a room another again once its arrival is near. A pin goes along.
    Raises UnknownBooking, UnknownRoom, NotChangeable, RoomTaken, RoomOutOfOrder; SoldOut where the type has no room left.
    """
    record = alone(booking_id)
    stay = movable(record, room_stay_id)
    if stay.room_id == room_id and stay.moves_on is None:
        return record
    former, pinned = rooms_words(stay), stay.pinned
    if room_id is None:
        parts = []
    else:
        parts = [Part(room_id, stay.check_in, stay.check_out)]
        refuse_unless_free(record, stay, parts)
        room_type_id = _type_of(room_id)
        if room_type_id != stay.room_type_id:
            record = move_room_stay(
                organization_id=organization_id,
                booking_id=booking_id,
                room_stay_id=room_stay_id,
                room_type_id=room_type_id,
                now=now,
                actor=actor,
            )
            stay = movable(record, room_stay_id)
    _write(record, stay, parts, former, pinned and bool(parts), now, actor, "placed" if parts else "unplaced")
    return record


def split_stay(
    *,
    booking_id: UUID,
    room_stay_id: UUID,
    on: date,
    room_id: UUID,
    now: datetime,
    actor: str,
    first_room_id: UUID | None = None,
) -> records.Record:
    """Let the guest sleep in that room from `on` to the end, and until then in the room that they have.

    first_room_id: the room until then, where it is not to be the present one; of a type without a room that is free
    throughout, a stay gets its rooms so. A stay that was split before is split at the new day.
    Raises UnknownBooking, UnknownRoom, NotChangeable, RoomTaken, RoomOutOfOrder, OtherType; InvalidField for a day on
    which nothing of the stay is left or none of it is over, and where no first room is said or there.
    """
    record = alone(booking_id)
    stay = movable(record, room_stay_id)
    first = first_room_id or stay.room_id
    if first is None:
        raise InvalidField(field="/first_room", problem="must be chosen")
    if not stay.check_in < on < stay.check_out:
        raise InvalidField(field="/on", problem="must be after the arrival and before the departure")
    return _arrange(record, stay, first, on, room_id, now, actor)


def place_part(
    *, booking_id: UUID, room_stay_id: UUID, part: int, room_id: UUID, now: datetime, actor: str
) -> records.Record:
    """Let a guest who changes rooms sleep in that room for the first (1) or the second (2) part of the stay.

    Where both parts have the same room then, the stay is whole again. Raises what `split_stay` raises.
    """
    record = alone(booking_id)
    stay = movable(record, room_stay_id)
    if stay.room_id is None or stay.moves_on is None or stay.next_room_id is None:
        raise InvalidField(field="/part", problem="must be one of a stay that changes rooms")
    first, second = (room_id, stay.next_room_id) if part == 1 else (stay.room_id, room_id)
    return _arrange(record, stay, first, stay.moves_on, second, now, actor)


def pin_stay(*, booking_id: UUID, room_stay_id: UUID, pinned: bool, now: datetime, actor: str) -> records.Record:
    """Let no automatic assignment move the stay out of its room, or let it again. A person still may.

    Raises UnknownBooking, NotChangeable; InvalidField for a stay that has no room.
    """
    record = alone(booking_id)
    stay = movable(record, room_stay_id)
    if stay.room_id is None and pinned:
        raise InvalidField(field="/room", problem="must be given to the stay before it can be kept")
    if stay.pinned == pinned:
        return record
    stay.pinned = pinned
    set_rooms(stay)
    record.updated_at = now
    records.note(record, changes=[], actor=actor, action="pinned" if pinned else "unpinned")
    _tell(record, now)
    return record


def _arrange(
    record: records.Record, stay: records.Stay, first: UUID, on: date, second: UUID, now: datetime, actor: str
) -> records.Record:
    former = rooms_words(stay)
    if first == second:
        parts = [Part(first, stay.check_in, stay.check_out)]
    else:
        parts = [Part(first, stay.check_in, on), Part(second, on, stay.check_out)]
    if parts == parts_of(stay):
        return record
    for part in parts:
        if _type_of(part.room_id) != stay.room_type_id:
            raise OtherType(room=names_of([part.room_id])[part.room_id])
    refuse_unless_free(record, stay, parts)
    _write(record, stay, parts, former, stay.pinned, now, actor, "split" if len(parts) > 1 else "placed")
    return record


def alone(booking_id: UUID) -> records.Record:
    """The booking, locked; before it the property's rooms, as automatic assignment takes them: else both could wait."""
    lock_rooms_of(property_id=records.load(booking_id=booking_id).property_id)
    return records.load(booking_id=booking_id, lock=True)


def movable(record: records.Record, room_stay_id: UUID) -> records.Stay:
    """The stay of the booking. Raises NotChangeable where it is over, holds nothing, or is none of its."""
    stay = next((one for one in record.stays if one.id == room_stay_id), None)
    if stay is None or BookingStatus(record.status) not in MOVABLE or not stay.holds_stock:
        raise NotChangeable(status=record.status, action="move")
    return stay


def names_of(room_ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    with sql() as cursor:
        return dict(
            cursor.execute(
                "SELECT id, name FROM properties_room WHERE id = ANY(%s)",
                ([one for one in room_ids if one is not None],),
            ).fetchall()
        )


def rooms_words(stay: records.Stay) -> str:
    """The stay's rooms as its history names them: "101", "101, from 2026-12-05 on 102", or nothing."""
    parts = parts_of(stay)
    names = names_of(part.room_id for part in parts)
    if len(parts) < 2:
        return "".join(names.values())
    return f"{names[parts[0].room_id]}, from {parts[1].first} on {names[parts[1].room_id]}"


_IN_THE_WAY = """
SELECT b.code, b.guest_name, lower(h.nights), upper(h.nights)
FROM reservations_heldroom h JOIN reservations_roomstay s ON s.id = h.room_stay_id
JOIN reservations_booking b ON b.id = s.booking_id
WHERE h.room_id = %(room)s AND s.id <> %(stay)s AND h.nights && daterange(%(first)s, %(last)s)
ORDER BY h.nights LIMIT 1
"""

_OUT_OF_USE = """
SELECT first, last FROM inventory_outoforder
WHERE room_id = %(room)s AND released_at IS NULL AND first < %(last)s AND last >= %(first)s
ORDER BY first LIMIT 1
"""


def refuse_unless_free(record: records.Record, stay: records.Stay, parts: Iterable[Part]) -> None:
    """Raises UnknownRoom, also for one that is let no more then, RoomTaken, RoomOutOfOrder."""
    for part in parts:
        refuse_part(property_id=record.property_id, stay_id=stay.id, part=part)


def refuse_part(*, property_id: UUID, stay_id: UUID, part: Part) -> None:
    """Raises UnknownRoom, also for one that is let no more then, RoomTaken, RoomOutOfOrder."""
    asked = {"room": part.room_id, "stay": stay_id, "first": part.first, "last": part.last}
    with sql() as cursor:
        there = cursor.execute(
            "SELECT name, retired_from FROM properties_room WHERE id = %s AND property_id = %s",
            (part.room_id, property_id),
        ).fetchone()
        if there is None or (there[1] is not None and there[1] < part.last):
            raise UnknownRoom(id=str(part.room_id))
        if (taken := cursor.execute(_IN_THE_WAY, asked).fetchone()) is not None:
            raise RoomTaken(there[0], *taken)
        if (block := cursor.execute(_OUT_OF_USE, asked).fetchone()) is not None:
            raise RoomOutOfOrder(room=there[0], first=block[0], last=block[1])


def take_parts(stay: records.Stay, parts: list[Part]) -> None:
    """Have these rooms on these nights; none where there are no parts."""
    stay.room_id = parts[0].room_id if parts else None
    stay.moves_on, stay.next_room_id = (parts[1].first, parts[1].room_id) if len(parts) > 1 else (None, None)


def set_rooms(stay: records.Stay) -> None:
    """Store which rooms the stay has."""
    with sql() as cursor:
        cursor.execute(
            "UPDATE reservations_roomstay SET room_id = %s, moves_on = %s, next_room_id = %s, pinned = %s WHERE id = %s",
            (stay.room_id, stay.moves_on, stay.next_room_id, stay.pinned, stay.id),
        )


def note_rooms(record: records.Record, stay: records.Stay, former: str, now: datetime, actor: str, action: str) -> None:
    """A revision saying which rooms the stay has now."""
    change = FieldChange(f"/rooms/id={stay.id}/number", former or None, rooms_words(stay) or None)
    record.updated_at = now
    records.note(record, changes=[change], actor=actor, action=action)


def _type_of(room_id: UUID) -> UUID:
    with sql() as cursor:
        row = cursor.execute("SELECT room_type_id FROM properties_room WHERE id = %s", (room_id,)).fetchone()
    if row is None:
        raise UnknownRoom(id=str(room_id))
    found: UUID = row[0]
    return found


def _write(
    record: records.Record,
    stay: records.Stay,
    parts: list[Part],
    former: str,
    pinned: bool,
    now: datetime,
    actor: str,
    action: str,
) -> None:
    take_parts(stay, parts)
    stay.pinned = pinned
    set_rooms(stay)
    note_rooms(record, stay, former, now, actor, action)
    _tell(record, now)


def _tell(record: records.Record, now: datetime) -> None:
    tell(record, now=now)
