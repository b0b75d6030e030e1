"""A stay's room and dates as a person at the desk arranges them: on the chart, stay by stay.

Every function works inside `tenant(...)` and commits or vanishes with it. Which room a stay has is no part of what was
sold: nobody is charged for it, and no channel is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import services as events
from innsync.apps.inventory.services import lock_rooms_of
from innsync.apps.rates.selectors import House
from innsync.apps.reservations import records
from innsync.apps.reservations.refusals import NotChangeable, RoomTaken
from innsync.apps.reservations.services.modify import modify, move_room_stay
from innsync.apps.reservations.services.rooms import RoomOutOfOrder, UnknownRoom
from innsync.domain.booking_state import HOLDS_STOCK, BookingStatus
from innsync.domain.difference import FieldChange
from innsync.domain.money import Money
from innsync.domain.stay import StayDates

MOVABLE = HOLDS_STOCK - {BookingStatus.CHECKED_OUT}
"""Who is gone slept where they slept."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """A booking before and after its dates were changed. room: the one that the stay has then; "" for none."""

    record: records.Record
    before: Money
    after: Money
    had_room: str
    room: str

    @property
    def difference(self) -> Money:
        """What the guest pays more, or less where it is negative."""
        return Money(self.after.minor - self.before.minor, self.after.currency)


def place_stay(
    *, organization_id: UUID, booking_id: UUID, room_stay_id: UUID, room_id: UUID | None, now: datetime, actor: str
) -> records.Record:
    """Give the stay that room, at the price agreed also where its type is another; None: take its room away.

    Automatic assignment gives a stay without a room another again once its arrival is near.
    Raises UnknownBooking, UnknownRoom, NotChangeable, RoomTaken, RoomOutOfOrder; SoldOut where the type has no room left.
    """
    record = _alone(booking_id)
    stay = _stay(record, room_stay_id)
    if stay.room_id == room_id:
        return record
    former = _names([stay.room_id]).get(stay.room_id, "")
    if room_id is None:
        name = ""
    else:
        name = _refuse_unless_free(record, stay, room_id)
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
            stay = _stay(record, room_stay_id)
    _write_room(record, stay, room_id, former, name, now, actor)
    return record


def rearrange(
    *,
    house: House,
    booking_id: UUID,
    room_stay_id: UUID,
    stay: StayDates,
    now: datetime,
    actor: str,
    room_id: UUID | None = None,
    expected_version: int | None = None,
    expected_total: Money | None = None,
) -> Arranged:
    """Change a booking's dates, all its rooms with it, priced anew; its stays keep their rooms where those are free.

    room_id: the room wanted for this stay, which then has to be free; None: its own, or none where that is taken.
    Raises what `modify` and `place_stay` raise; then nothing has changed.
    """
    record = _alone(booking_id)
    rooms = {one.id: one.room_id for one in record.stays}
    if room_stay_id not in rooms:
        raise UnknownRoom(id=str(room_stay_id))
    names = _names(rooms.values())
    before = Money(record.total_minor, record.currency)
    record = modify(
        house=house,
        booking_id=booking_id,
        now=now,
        actor=actor,
        expected_version=expected_version,
        stay=stay,
        expected_total=expected_total,
    )
    for one in record.stays:
        own = rooms.get(one.id)
        wanted = room_id if one.id == room_stay_id and room_id is not None else own
        if wanted is None or wanted == one.room_id:
            continue
        try:
            name = _refuse_unless_free(record, one, wanted)
        except (RoomTaken, RoomOutOfOrder):
            if wanted == room_id:
                raise
            _note(record, one, names.get(own, ""), "", now, actor)
            continue
        if wanted == own:  # as it was: nothing to tell
            _set_room(one, wanted)
        else:
            record = place_stay(
                organization_id=house.organization_id,
                booking_id=booking_id,
                room_stay_id=one.id,
                room_id=wanted,
                now=now,
                actor=actor,
            )
            names[wanted] = name
    placed = _stay(record, room_stay_id)
    return Arranged(
        record,
        before,
        Money(record.total_minor, record.currency),
        names.get(rooms[room_stay_id], ""),
        _names([placed.room_id]).get(placed.room_id, ""),
    )


def preview_rearranging(
    *,
    house: House,
    booking_id: UUID,
    room_stay_id: UUID,
    stay: StayDates,
    now: datetime,
    room_id: UUID | None = None,
) -> Arranged:
    """What `rearrange` would do and cost, by doing it and taking it back: nothing changes. Raises what it raises."""
    with transaction.atomic():
        mark = transaction.savepoint()
        try:
            return rearrange(
                house=house,
                booking_id=booking_id,
                room_stay_id=room_stay_id,
                stay=stay,
                now=now,
                actor="",
                room_id=room_id,
            )
        finally:
            transaction.savepoint_rollback(mark)


def _alone(booking_id: UUID) -> records.Record:
    """The booking, locked; before it the property's rooms, as automatic assignment takes them: else both could wait."""
    lock_rooms_of(property_id=records.load(booking_id=booking_id).property_id)
    return records.load(booking_id=booking_id, lock=True)


def _stay(record: records.Record, room_stay_id: UUID) -> records.Stay:
    stay = next((one for one in record.stays if one.id == room_stay_id), None)
    if stay is None or BookingStatus(record.status) not in MOVABLE or not stay.holds_stock:
        raise NotChangeable(status=record.status, action="move")
    return stay


def _type_of(room_id: UUID) -> UUID:
    with sql() as cursor:
        row = cursor.execute("SELECT room_type_id FROM properties_room WHERE id = %s", (room_id,)).fetchone()
    if row is None:
        raise UnknownRoom(id=str(room_id))
    found: UUID = row[0]
    return found


def _names(room_ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    with sql() as cursor:
        return dict(
            cursor.execute(
                "SELECT id, name FROM properties_room WHERE id = ANY(%s)",
                ([one for one in room_ids if one is not None],),
            ).fetchall()
        )


_IN_THE_WAY = """
SELECT b.code, b.guest_name, s.check_in, s.check_out
FROM reservations_roomstay s JOIN reservations_booking b ON b.id = s.booking_id
WHERE s.room_id = %(room)s AND s.holds_stock AND s.id <> %(stay)s
  AND daterange(s.check_in, s.check_out) && daterange(%(check_in)s, %(check_out)s)
ORDER BY s.check_in LIMIT 1
"""

_OUT_OF_USE = """
SELECT first, last FROM inventory_outoforder
WHERE room_id = %(room)s AND released_at IS NULL AND first < %(check_out)s AND last >= %(check_in)s
ORDER BY first LIMIT 1
"""


def _refuse_unless_free(record: records.Record, stay: records.Stay, room_id: UUID) -> str:
    """The room's name. Raises UnknownRoom, also for one that is let no more then, RoomTaken, RoomOutOfOrder."""
    asked = {"room": room_id, "stay": stay.id, "check_in": stay.check_in, "check_out": stay.check_out}
    with sql() as cursor:
        there = cursor.execute(
            "SELECT name, retired_from FROM properties_room WHERE id = %s AND property_id = %s",
            (room_id, record.property_id),
        ).fetchone()
        if there is None or (there[1] is not None and there[1] < stay.check_out):
            raise UnknownRoom(id=str(room_id))
        name: str = there[0]
        if (taken := cursor.execute(_IN_THE_WAY, asked).fetchone()) is not None:
            raise RoomTaken(name, *taken)
        if (block := cursor.execute(_OUT_OF_USE, asked).fetchone()) is not None:
            raise RoomOutOfOrder(room=name, first=block[0], last=block[1])
    return name


def _set_room(stay: records.Stay, room_id: UUID | None) -> None:
    with sql() as cursor:
        cursor.execute("UPDATE reservations_roomstay SET room_id = %s WHERE id = %s", (room_id, stay.id))
    stay.room_id = room_id


def _write_room(
    record: records.Record,
    stay: records.Stay,
    room_id: UUID | None,
    former: str,
    name: str,
    now: datetime,
    actor: str,
) -> None:
    _set_room(stay, room_id)
    _note(record, stay, former, name, now, actor)
    events.record(
        organization_id=record.organization_id,
        property_id=record.property_id,
        type="booking.updated",
        at=now,
        data={"booking_id": str(record.id), "code": record.code, "channel": record.channel},
    )


def _note(record: records.Record, stay: records.Stay, former: str, name: str, now: datetime, actor: str) -> None:
    change = FieldChange(f"/rooms/id={stay.id}/number", former or None, name or None)
    record.updated_at = now
    records.note(record, changes=[change], actor=actor, action="placed" if name else "unplaced")
