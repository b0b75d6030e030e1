"""Giving each stay a physical room."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date, datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import services as events
from innsync.apps.inventory.services import lock_rooms_of
from innsync.domain.assignment import Request, Room, assign
from innsync.domain.stay import StayDates

_STAYS = """
SELECT s.id, s.check_in, s.check_out, s.room_type_id, s.room_id, s.moves_on, s.next_room_id, b.status, s.pinned
FROM reservations_roomstay s JOIN reservations_booking b ON b.id = s.booking_id
WHERE s.property_id = %(property)s AND s.holds_stock AND s.check_out > %(first)s
  AND (s.booking_id = ANY(%(bookings)s) AND s.check_in <= %(last)s OR s.room_id IS NOT NULL AND s.check_in > %(last)s)
ORDER BY s.check_in, s.id
"""

# The bookings before their stays, by id, as whoever changes bookings takes them: else two wait for each other.
# One that is booked after this look has no room yet, and queues its own assignment.
_LOCK = """
SELECT b.id FROM reservations_booking b WHERE b.id IN (
  SELECT s.booking_id FROM reservations_roomstay s
  WHERE s.property_id = %(property)s AND s.holds_stock AND s.check_out > %(first)s AND s.check_in <= %(last)s)
ORDER BY b.id FOR NO KEY UPDATE
"""


def assign_rooms(
    *, organization_id: UUID, property_id: UUID, first: date, last: date, now: datetime
) -> dict[UUID, UUID | None]:
    """Assign rooms to the stays of these nights that have none, moving as few others as can be.

    Guests in house stay where they are, and so does whoever arrives after `last` and has a room already, whoever is
    pinned to one, and whoever changes rooms, as a person arranged it. Answers the stays whose room changed; None: no room of the type is free throughout. One writer a
    property at a time.
    """
    lock_rooms_of(property_id=property_id)
    with sql() as cursor:
        there = cursor.execute(
            "SELECT id, room_type_id, retired_from FROM properties_room WHERE property_id = %s"
            " AND (retired_from IS NULL OR retired_from > %s) ORDER BY position, name",
            (property_id, first),
        ).fetchall()
        rooms = [Room(identifier, room_type_id) for identifier, room_type_id, _ in there]
        window = {"property": property_id, "first": first, "last": last}
        locked = [row[0] for row in cursor.execute(_LOCK, window)]
        taken: dict[Hashable, list[StayDates]] = {
            identifier: [StayDates(retired_from, date.max)] for identifier, _, retired_from in there if retired_from
        }
        requests: list[Request] = []
        before: dict[UUID, UUID | None] = {}
        for (
            identifier,
            check_in,
            check_out,
            room_type_id,
            room_id,
            moves_on,
            next_room_id,
            status,
            pinned,
        ) in cursor.execute(_STAYS, {**window, "bookings": locked}):
            stay = StayDates(check_in, check_out)
            if moves_on is not None:
                taken.setdefault(room_id, []).append(StayDates(check_in, moves_on))
                taken.setdefault(next_room_id, []).append(StayDates(moves_on, check_out))
                continue
            if room_id is not None and (pinned or status != "confirmed" or not first <= check_in <= last):
                taken.setdefault(room_id, []).append(stay)
                continue
            before[identifier] = room_id
            requests.append(Request(identifier, stay, room_type_id, current=room_id))
        # Those after the window too: a stay that begins in it may last until then.
        for room_id, begin, end in cursor.execute(
            "SELECT room_id, first, last + 1 FROM inventory_outoforder WHERE property_id = %s AND room_id IS NOT NULL"
            " AND released_at IS NULL AND last >= %s",
            (property_id, first),
        ):
            taken.setdefault(room_id, []).append(StayDates(begin, end))
        chosen = assign(rooms, taken, requests)
        changed = {one: chosen[one] for one in before if chosen[one] != before[one]}
        if changed:
            # Cleared first: within one statement the exclusion constraint would see rooms not yet given up.
            cursor.execute("UPDATE reservations_roomstay SET room_id = NULL WHERE id = ANY(%s)", (list(changed),))
            placed = [(one, room) for one, room in changed.items() if room is not None]
            cursor.execute(
                "UPDATE reservations_roomstay s SET room_id = n.room_id"
                " FROM unnest(%s::uuid[], %s::uuid[]) AS n(id, room_id) WHERE s.id = n.id",
                ([one for one, _ in placed], [room for _, room in placed]),
            )
    if changed:
        tell_assigned(organization_id, property_id, len(changed), now)
    return changed  # type: ignore[return-value]  # the domain's ids are opaque; ours are UUIDs


def tell_assigned(organization_id: UUID, property_id: UUID, stays: int, now: datetime) -> None:
    """Whoever looks at the rooms sees it at once. No booking is another for it: the guest is told of no room yet."""
    events.record(
        organization_id=organization_id,
        property_id=property_id,
        type="rooms.assigned",
        at=now,
        data={"stays": stays},
    )
