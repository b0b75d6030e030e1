"""Changing what was booked while its stays keep their rooms, and what that would cost, shown before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from innsync.apps.rates.selectors import House
from innsync.apps.reservations import records
from innsync.apps.reservations.quoting import RoomRequest
from innsync.apps.reservations.refusals import RoomTaken
from innsync.apps.reservations.services.modify import modify
from innsync.apps.reservations.services.place import (
    Part,
    alone,
    movable,
    note_rooms,
    parts_of,
    place_stay,
    refuse_unless_free,
    rooms_words,
    set_rooms,
    take_parts,
)
from innsync.apps.reservations.services.rooms import RoomOutOfOrder, UnknownRoom
from innsync.domain.money import Money
from innsync.domain.stay import StayDates


@dataclass(frozen=True, slots=True)
class Arranged:
    """A booking before and after it was changed. room: the one that the stay has then; "" for none.

    lost: the rooms, by name, that stays had and could not keep.
    """

    record: records.Record
    before: Money
    after: Money
    had_room: str
    room: str
    lost: tuple[str, ...] = ()

    @property
    def difference(self) -> Money:
        """What the guest pays more, or less where it is negative."""
        return Money(self.after.minor - self.before.minor, self.after.currency)


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
    record = alone(booking_id)
    if all(one.id != room_stay_id for one in record.stays):
        raise UnknownRoom(id=str(room_stay_id))
    had = next(rooms_words(one) for one in record.stays if one.id == room_stay_id)
    changed = _change(
        house, record, stay, None, now, actor, expected_version, expected_total, wanted={room_stay_id: room_id}
    )
    placed = movable(changed.record, room_stay_id)
    return Arranged(changed.record, changed.before, changed.after, had, rooms_words(placed), changed.lost)


def change_stays(
    *,
    house: House,
    booking_id: UUID,
    stay: StayDates,
    rooms: Sequence[RoomRequest],
    now: datetime,
    actor: str,
    expected_version: int | None = None,
    expected_total: Money | None = None,
) -> Arranged:
    """Change dates, room types, rate plans and guests, add and take away rooms; priced anew, rooms kept where free.

    Raises what `modify` raises; then nothing has changed.
    """
    record = alone(booking_id)
    return _change(house, record, stay, rooms, now, actor, expected_version, expected_total)


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


def preview_changing(
    *, house: House, booking_id: UUID, stay: StayDates, rooms: Sequence[RoomRequest], now: datetime
) -> Arranged:
    """What `change_stays` would do and cost, by doing it and taking it back: nothing changes. Raises what it raises."""
    with transaction.atomic():
        mark = transaction.savepoint()
        try:
            return change_stays(house=house, booking_id=booking_id, stay=stay, rooms=rooms, now=now, actor="")
        finally:
            transaction.savepoint_rollback(mark)


def _change(
    house: House,
    former: records.Record,
    stay: StayDates,
    rooms: Sequence[RoomRequest] | None,
    now: datetime,
    actor: str,
    expected_version: int | None,
    expected_total: Money | None,
    wanted: dict[UUID, UUID | None] | None = None,
) -> Arranged:
    olds = {one.id: one for one in former.stays}
    before = Money(former.total_minor, former.currency)
    record = modify(
        house=house,
        booking_id=former.id,
        now=now,
        actor=actor,
        expected_version=expected_version,
        stay=stay,
        rooms=rooms,
        expected_total=expected_total,
    )
    lost: list[str] = []
    for one in list(record.stays):
        own = olds.get(one.id)
        room_id = (wanted or {}).get(one.id)
        if room_id is not None:
            record = _into(house, record, one, own, room_id, now, actor)
        elif own is not None and own.room_id is not None and one.room_id is None:
            lost += _keep(record, one, own, now, actor)
    return Arranged(record, before, Money(record.total_minor, record.currency), "", "", tuple(lost))


def _into(
    house: House,
    record: records.Record,
    stay: records.Stay,
    own: records.Stay | None,
    room_id: UUID,
    now: datetime,
    actor: str,
) -> records.Record:
    """Into the room that was asked for; the one that it had before needs no telling."""
    if own is not None and [part.room_id for part in parts_of(own)] == [room_id]:
        parts = [Part(room_id, stay.check_in, stay.check_out)]
        refuse_unless_free(record, stay, parts)
        take_parts(stay, parts)
        stay.pinned = own.pinned
        set_rooms(stay)
        return record
    return place_stay(
        organization_id=house.organization_id,
        booking_id=record.id,
        room_stay_id=stay.id,
        room_id=room_id,
        now=now,
        actor=actor,
    )


def _keep(record: records.Record, stay: records.Stay, own: records.Stay, now: datetime, actor: str) -> tuple[str, ...]:
    """The rooms it had, where they are free on the new dates; answers those it lost, by name."""
    former, parts = rooms_words(own), _on_new_dates(own, stay)
    try:
        refuse_unless_free(record, stay, parts)
    except (RoomTaken, RoomOutOfOrder, UnknownRoom):
        note_rooms(record, stay, former, now, actor, "unplaced")
        return (former,)
    if stay.room_type_id != own.room_type_id:  # an upgrade frees the room of the type left
        note_rooms(record, stay, former, now, actor, "unplaced")
        return (former,)
    take_parts(stay, parts)
    stay.pinned = own.pinned
    set_rooms(stay)
    return ()


def _on_new_dates(own: records.Stay, stay: records.Stay) -> list[Part]:
    """The rooms of `own` on the dates of `stay`; where the day of changing rooms is out of them, one room is left."""
    parts = parts_of(own)
    if len(parts) > 1 and stay.check_in < parts[1].first < stay.check_out:
        return [
            Part(parts[0].room_id, stay.check_in, parts[1].first),
            Part(parts[1].room_id, parts[1].first, stay.check_out),
        ]
    left = parts[-1] if len(parts) > 1 and parts[1].first <= stay.check_in else parts[0]
    return [Part(left.room_id, stay.check_in, stay.check_out)]
